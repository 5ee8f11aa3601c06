# Envoy, what tells it the weights, and the steady requests: the code that the tests use on loopback, in pods.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY envoy /usr/local/bin/envoy
COPY tests /app/tests
WORKDIR /app
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
