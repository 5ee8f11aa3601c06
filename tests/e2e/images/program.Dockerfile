# One static program and nothing else.
FROM scratch
ARG PROGRAM
ARG MESSAGE=
COPY ${PROGRAM} /home/app/${PROGRAM}
# Which one answers, as podinfo says it.
ENV PODINFO_UI_MESSAGE=${MESSAGE} PATH=/home/app
WORKDIR /home/app
