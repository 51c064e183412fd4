"""A verb with others beside it: ``audit CLAIMS`` judges, and ``audit combine`` is a verb of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem


class First(click.Command):
    """The verb that is meant where no other one of its family is named; its help lists them."""

    beside: Mapping[str, click.Command] = {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options, and below them the other verbs."""
        super().format_options(ctx, formatter)
        with formatter.section("Beside it"):
            formatter.write_dl([(f"{self.name} {name}", one.get_short_help_str()) for name, one in self.beside.items()])


class Family(click.Group):
    """A group that is its first verb unless one of the others is named in the first place.

    To whoever asks for help, for completion or for the reference it is that verb, with the others below it.
    """

    def __init__(self, first: click.Command, *others: click.Command) -> None:
        assert isinstance(first, First)
        named = {other.name: other for other in others if other.name}
        super().__init__(first.name, named, help=first.help, short_help=first.short_help, epilog=first.epilog)
        first.beside = named
        self._first = first
        self.params = first.params

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the verb that is meant; the first one's is complete in itself."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self._first.make_context(info_name, args, parent, **extra)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """None of its own but --help, where another verb is meant."""
        found = self.get_help_option(ctx)
        return [] if found is None else [found]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Those of the first verb."""
        return self._first.collect_usage_pieces(ctx)


def file_or(names: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What completes the first verb's first argument: a file, or one of the other verbs."""

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return [*found, CompletionItem(incomplete, type="file")]

    return complete
