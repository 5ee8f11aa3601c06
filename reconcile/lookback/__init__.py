"""What happened in a release, told afterwards: text, JSON, one HTML file, or a picture.

`history` is what is told, whatever it comes from: the passes of this process (`of_passes`), or what a cluster and its
metrics server remember (`of_cluster`). `panels` makes curves of it, `page` the HTML and the SVG by the templates in
`templates/report`, `words` text and JSON. Open `history` first.

Nothing here decides, asks a server or reads a clock.
"""
