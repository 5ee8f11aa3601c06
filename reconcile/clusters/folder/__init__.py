"""A folder of YAML files as a cluster. Start at `cluster`, then `index` (which file has which object).

Here: files are found and parsed (`file_tree`, `parsed_file`, `yaml_documents`), an object is edited in its text so
that all else stays to the byte (`yaml_edits`), and a file is replaced as a whole (`file_write`, `atomic_replace`).
jsonpatch is imported by writes only: it takes longer to import than a read takes.

Not here: what a server adds, such as default values, admission or controllers.
"""
