"""The meter that asks a Prometheus, or anything that answers `POST /api/v1/query` as Prometheus does.

Duty: questions to queries, and back; who may ask. Whether a value is good enough is not known here, and nothing that
a server says or fails to say raises.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reconcile.metrics import batching, credentials
from reconcile.metrics.pool import ask_all
from reconcile.metrics.query import Asking
from reconcile.metrics.responses import UnusableError, unreachable
from reconcile.model.errors import TemplateError, UsageError
from reconcile.model.measurement import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from reconcile.metrics.batching import Query
    from reconcile.metrics.templates import TemplateSet
    from reconcile.model.measurement import Question

MAX_TOKEN = 1024 * 1024

_log = logging.getLogger("steerer.metrics")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class Unconfigured:
    """The meter of somebody who named no server: no question has an answer, and each says what to do."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question with the same failure."""
        del at
        answer = unreachable("no metrics server is named; set --metrics-server to the URL of Prometheus")
        return dict.fromkeys(questions, answer)


class Prometheus:
    """Asks every question at the same time and answers all of them, within bounds of time and size.

    `timeout` is the seconds that one answer may take in all, `budget` those that all of a `measure` may. Raises
    UsageError for options that can never work.
    """

    def __init__(
        self,
        url: str,
        templates: TemplateSet,
        *,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        budget: float = 30.0,
    ) -> None:
        self._address, userinfo = credentials.parse_url(url)
        self._templates = templates
        self._token_file = token_file
        self._ca_file = credentials.existing(ca_file)
        self._headers = credentials.parse_headers(headers or {})
        self._timeout = timeout
        self._budget = budget
        given = (bool(userinfo), token_file is not None, any(name.lower() == "authorization" for name in self._headers))
        if sum(given) > 1:
            raise UsageError(
                "the metrics server has more than one set of credentials; keep one of: the user in its URL, "
                "--metrics-token-file, an Authorization header"
            )
        self._secrets = {*credentials.userinfo_secrets(userinfo), *credentials.header_secrets(self._headers.values())}
        if userinfo:
            self._headers["Authorization"] = credentials.basic(userinfo)

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question for the instant `at`, the first ones first. Raises nothing.

        The query that an answer names is that of its own workload, also where several were asked for in one: it gives
        the same number.
        """
        rendered = {question: self._render(question) for question in questions}
        singles = {question: answer.query for question, answer in rendered.items() if answer.failure is None}
        answers = self._answers(batching.queries(singles, self._together), at) if singles else {}
        said = {
            (question.metric, warning): None for question, text in singles.items() for warning in answers[text].warnings
        }
        for metric, warning in said:
            _log.warning("metric %s: %s warns: %s", metric, self._address, warning)
        return {
            question: replace(answers[answer.query], query=answer.query) if question in singles else answer
            for question, answer in rendered.items()
        }

    def _render(self, question: Question) -> Answer:
        """Give an answer that holds the query and nothing else yet, or why there is no query."""
        try:
            return Answer(query=self._templates.render(question, question.rollout.namespace))
        except TemplateError as error:
            return Answer(failure=Failure.TEMPLATE, detail=credentials.one_line(str(error)))

    def _together(self, question: Question, workloads: Sequence[str]) -> str | None:
        """Give the query that asks this for several workloads, if its metric has one."""
        try:
            text = self._templates.render_grouped(question, question.rollout.namespace, workloads)
        except TemplateError as error:
            _log.warning("%s; each of %d workloads is asked for alone", error, len(workloads))
            return None
        if text is not None:
            _log.debug("metric %s of %d workloads in one query: %s", question.metric, len(workloads), text)
        return text

    def _answers(self, queries: Sequence[Query], at: datetime) -> Mapping[str, Answer]:
        """Give the answers by single query."""
        try:
            token = self._token()
        except UnusableError as error:
            return {single: unreachable(str(error)) for query in queries for single in query.singles}
        asking = Asking(
            address=self._address,
            headers={**self._headers, "Authorization": f"Bearer {token}"} if token else self._headers,
            ca_file=self._ca_file,
            timeout=self._timeout,
            at=at,
            clean=credentials.mask({*self._secrets, token}),
        )
        return ask_all(queries, asking, self._budget)

    def _token(self) -> str:
        """Read the token anew: it is replaced every hour or so where it is a projected one."""
        if self._token_file is None:
            return ""
        try:
            with self._token_file.open("rb") as stream:
                token = stream.read(MAX_TOKEN).decode("ascii", "replace").strip()
        except OSError as error:
            raise UnusableError(f"the token file {self._token_file} cannot be read: {error.strerror}") from error
        if not _VISIBLE.fullmatch(token):
            raise UnusableError(f"the token file {self._token_file} holds no token: one line of visible ASCII")
        return token
