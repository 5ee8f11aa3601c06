"""The meter that queries Prometheus, or a server that answers `POST /api/v1/query` as Prometheus does.

It does not know whether a value is good enough. Nothing that a server answers raises. What sends queries and reads
responses is loaded with the first question: most passes have none, and that is a tenth of what they load.
"""

from __future__ import annotations

import logging
import re
from time import monotonic
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.metrics import address, batching, credentials
from reconcile.model.errors import TemplateError, UsageError
from reconcile.model.measurement import Answer, Failure
from reconcile.model.series import Series

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from reconcile.metrics.batching import Query
    from reconcile.metrics.query import QueryClient
    from reconcile.metrics.templates import TemplateSet
    from reconcile.model.measurement import Question
    from reconcile.model.series import Window

MAX_TOKEN = 1024 * 1024

_log = logging.getLogger("steerer.metrics")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class UnconfiguredMeter:
    """The meter without a server: every question has the same failure, which says how to name a server."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Returns the failure for every question."""
        from reconcile.metrics.responses import unreachable  # noqa: PLC0415 - see above

        del at
        answer = unreachable("no metrics server is named; set --metrics-server to the URL of Prometheus")
        return dict.fromkeys(questions, answer)


class Prometheus:
    """The meter with a server. It sends queries concurrently, within bounds of time and size.

    With `accept_partial` an answer counts although the server says that data are missing.
    `timeout` is the most seconds for one response, `budget` for all responses of a `measure`. Raises UsageError for
    options that cannot work.
    """

    def __init__(
        self,
        url: str,
        templates: TemplateSet,
        *,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        headers: Mapping[str, str] | None = None,
        accept_partial: bool = False,
        timeout: float = 10.0,
        budget: float = 30.0,
    ) -> None:
        self._server = address.parse_url(url)
        userinfo = self._server.userinfo
        self._templates = templates
        self._token_file = token_file
        self._ca_file = credentials.ca_path(ca_file)
        self._headers = credentials.parse_headers(headers or {})
        self._accept_partial = accept_partial
        self._timeout = timeout
        self._budget = budget
        authorization = any(name.lower() == "authorization" for name in self._headers)
        if sum((bool(userinfo), token_file is not None, authorization)) > 1:
            raise UsageError(
                "the metrics server has more than one set of credentials; keep one of: the user in its URL, "
                "--metrics-token-file, an Authorization header"
            )
        self._secrets = {
            *credentials.userinfo_secrets(userinfo),
            *credentials.argument_secrets(self._server.arguments),
            *credentials.header_secrets(self._headers.values()),
        }
        if userinfo:
            self._headers["Authorization"] = credentials.basic_authorization(userinfo)

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Returns an answer to every question, all for the instant `at`; queries are sent in the order of questions.

        `Answer.query` is the single query of the workload, also where the value came from a batch: both give the same
        value. Raises nothing.
        """
        rendered = {question: self._render(question) for question in questions}
        singles = {question: answer.query for question, answer in rendered.items() if answer.failure is None}
        answers = self._send(batching.queries(singles, self._render_batch), at) if singles else {}
        warnings = {
            (question.metric, warning): None for question, text in singles.items() for warning in answers[text].warnings
        }
        for metric, warning in warnings:
            _log.warning("metric %s: %s warns: %s", metric, self._server.address, warning)
        return {
            question: replace(answers[answer.query], query=answer.query) if question in singles else answer
            for question, answer in rendered.items()
        }

    def _render(self, question: Question) -> Answer:
        """Returns an answer that has the single query and no value yet, or the failure to render it."""
        try:
            return Answer(query=self._templates.render(question, question.rollout.namespace))
        except TemplateError as error:
            return Answer(failure=Failure.TEMPLATE, detail=credentials.one_line(str(error)))

    def _render_batch(self, question: Question, workloads: Sequence[str]) -> str | None:
        """Returns the query of a question for several workloads, or None if its metric has none."""
        try:
            text = self._templates.render_batch(question, question.rollout.namespace, workloads)
        except TemplateError as error:
            _log.warning("%s; each of %d workloads is asked for alone", error, len(workloads))
            return None
        if text is not None:
            _log.debug("metric %s of %d workloads in one query: %s", question.metric, len(workloads), text)
        return text

    def _send(self, queries: Sequence[Query], at: datetime) -> Mapping[str, Answer]:
        """Returns the answers by single query."""
        from reconcile.metrics.pool import send_all  # noqa: PLC0415 - see above
        from reconcile.metrics.responses import NoAnswerError, unreachable  # noqa: PLC0415 - see above

        try:
            client = self._client(at)
        except NoAnswerError as error:
            return {single: unreachable(str(error)) for query in queries for single in query.single_queries}
        return send_all(queries, client, self._budget)

    def _client(self, at: datetime) -> QueryClient:
        """Returns what all requests have in common. Raises NoAnswerError for a token that cannot be read."""
        from reconcile.metrics.query import QueryClient  # noqa: PLC0415 - see above

        token = self._token()
        return QueryClient(
            server=self._server,
            headers={**self._headers, "Authorization": f"Bearer {token}"} if token else self._headers,
            ca_file=self._ca_file,
            timeout=self._timeout,
            at=at,
            mask=credentials.masking({*self._secrets, token}),
            accept_partial=self._accept_partial,
        )

    def series(self, questions: Collection[Question | str], window: Window) -> Mapping[Question | str, Series]:
        """Returns the values over a window for every question, and for every query that is a text. Raises nothing.

        After the first one that is not answered in time, the budget decides how many others are asked.
        """
        from reconcile.metrics.range_query import ask  # noqa: PLC0415 - see above
        from reconcile.metrics.responses import NoAnswerError  # noqa: PLC0415 - see above

        deadline = monotonic() + self._budget
        try:
            client = self._client(window.end)
        except NoAnswerError as error:
            return dict.fromkeys(questions, Series(problem=str(error)))
        found: dict[Question | str, Series] = {}
        with client.session() as session:
            for question in questions:
                answer = Answer(query=question) if isinstance(question, str) else self._render(question)
                if answer.failure is not None:
                    found[question] = Series(problem=answer.detail)
                elif monotonic() >= deadline:
                    found[question] = Series(query=answer.query, problem=f"not asked within {self._budget:g}s")
                else:
                    found[question] = ask(client, session, answer.query, window, deadline)
        return found

    def _token(self) -> str:
        """Reads the token file each time: Kubernetes replaces a projected token about every hour."""
        from reconcile.metrics.responses import NoAnswerError  # noqa: PLC0415 - see above

        if self._token_file is None:
            return ""
        try:
            with self._token_file.open("rb") as stream:
                token = stream.read(MAX_TOKEN).decode("ascii", "replace").strip()
        except OSError as error:
            raise NoAnswerError(f"the token file {self._token_file} cannot be read: {error.strerror}") from error
        if not _VISIBLE.fullmatch(token):
            raise NoAnswerError(f"the token file {self._token_file} holds no token: one line of visible ASCII")
        return token
