"""A folder of YAML files as a cluster. Start at `cluster`, then `index` (which file has which object).

Here: files are found and parsed (`file_tree`, `parsed_file`, `yaml_documents`), an object is edited in its text so
that comments stay (`yaml_edits`), and a file is replaced as a whole (`file_write`, `atomic_replace`). ruamel and
jsonpatch are imported by writes only: they take longer to import than a read takes.

Not here: what a server adds, such as default values, admission or controllers.
"""
