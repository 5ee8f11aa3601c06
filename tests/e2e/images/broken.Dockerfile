# A version of podinfo that is healthy, as far as its probes can see, and fails every request.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY broken.py /home/app/podinfo
WORKDIR /home/app
ENV PYTHONUNBUFFERED=1
