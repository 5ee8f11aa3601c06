"""What happened in a release, told afterwards, and how releases would have gone: text, JSON, a page, or a picture.

`history` is what is told of a release, whatever it comes from: the passes of this process (`of_passes`), or what a
cluster and its metrics server remember (`of_cluster`). `panels` makes curves of it, `page` the HTML and the SVG, and
`words` text and JSON. Open `history` first.

`backtest` replays releases over what a metrics server remembers of the primary (`recorded`): when they look
(`schedule`), what the core says of that (`judged`), and how each goes on (`releases`). `backtest_sentences` is what is
said of it, `backtest_words` and `backtest_page` are its forms.

`rendering` has what pages and pictures share, with the templates in `templates/report`. Nothing here decides, asks a
server or reads a clock.
"""
