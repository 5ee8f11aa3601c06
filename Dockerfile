# steerer in an image: the wheel, its pinned dependencies, and a Python that somebody else keeps.
# `make image` builds it. The build asks no index: `make wheels` has put everything into the folder wheels/.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
# The time that every file gets, so that the same wheels give the same bytes.
ARG SOURCE_DATE_EPOCH=1580601600
# Sets are compiled in the order of their hashes.
ENV PYTHONHASHSEED=0
COPY wheels /wheels
# The environment has no pip, and no scripts for the shells of people: nobody works in it.
# Unchecked bytecode is never compared with its source, whose time would have to be in it.
RUN python3 -m venv --without-pip /opt/steerer \
 && python3 -m pip --python /opt/steerer/bin/python install --quiet --no-cache-dir --no-compile \
      --no-index --find-links /wheels steerer \
 && python3 -m pip --python /opt/steerer/bin/python check \
 && rm -f /opt/steerer/bin/activate* /opt/steerer/bin/Activate* \
 && /opt/steerer/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/steerer/lib \
 && mkdir -p /image/opt && mv /opt/steerer /image/opt/ \
 && find /image -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=2020-02-02T00:00:00Z
LABEL org.opencontainers.image.title="steerer" \
      org.opencontainers.image.description="Canary releases on Kubernetes and Istio by a stateless, single-pass reconciler" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
COPY --from=build /image /
# Nothing is written at run time: bytecode is there, and what a killed pass had said must not be lost in a buffer.
ENV PATH=/opt/steerer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, so that a cluster can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/opt/steerer/bin/steerer"]
