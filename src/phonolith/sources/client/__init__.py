"""The one HTTP client for all sources: polite, bounded, and distrustful of what it is told.

``client.Client`` asks and downloads, ``answers`` has what goes in and comes out (import it without aiohttp), ``codes``
every verdict. The rest works for these: ``pace`` (whose turn it is), ``robots``, ``address`` and ``connect`` (where a
connection may lead), ``bodies`` (reading within caps), ``parts`` (downloads that can be resumed), ``live`` (what is
being waited for), ``origins`` (where a source is asked).
"""
