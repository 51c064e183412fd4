"""The one HTTP client for all sources: polite, bounded, and distrustful of what it is told.

``client.Client`` asks and downloads, ``answers`` has what goes in and comes out (import it without aiohttp), ``codes``
every verdict, ``exchange`` what lies between a request and its answer. The rest works for these: ``pace`` (whose turn
it is), ``robots``, ``address``, ``connect`` and ``hops`` (where a request may lead, and what it takes along),
``bodies`` (reading within caps), ``downloads`` and ``parts`` (files that can be resumed), ``faults`` (what an exception
means), ``live`` (what is being waited for), ``origins`` (where a source is asked), ``agent`` (who we say we are).
"""
