# syntax=docker/dockerfile:1

# A static binary in an empty image: no shell, no package manager, not root.
#
#   docker build -t greenapi_exporter .
#   docker run --rm --read-only --cap-drop=ALL -p 10174:10174 greenapi_exporter --demo
#
# make image passes the version, which git knows and this build cannot: .git stays outside. The digest of the base is the one that other
# public repositories pin this tag to; it could not be compared with the registry when this was written.
FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie@sha256:bdca99a00bc16590cb1a0bb4e698f5fc5d6a64e4d5eef13d9f18a0ee08e5fa65 AS build
WORKDIR /src
ENV GOCACHE=/go/cache

# The modules change more rarely than the code: a layer of their own.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY *.go Makefile LICENSE ./
COPY deploy/deploy.mk deploy/
COPY client client/
COPY collector collector/

# The platform of the image, set by BuildKit. Go compiles across platforms, so nothing is emulated.
ARG TARGETOS TARGETARCH TARGETVARIANT
# In the environment of make, where they take the place of what it would ask git for.
ARG VERSION=unknown REVISION=unknown BRANCH= BUILD_DATE=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/cache \
    GOTOOLCHAIN=local GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} make build && mkdir empty

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /
COPY --from=build /src/bin/greenapi_exporter /bin/
# For --ledger.path: a named volume that is mounted here belongs to the user below.
COPY --from=build --chown=65532:65532 /src/empty /var/lib/greenapi_exporter

ARG VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.title="greenapi_exporter" \
      org.opencontainers.image.description="Prometheus exporter for WhatsApp messages and calls sent through GREEN-API" \
      org.opencontainers.image.url="https://github.com/greenapi-exporter/greenapi_exporter" \
      org.opencontainers.image.source="https://github.com/greenapi-exporter/greenapi_exporter" \
      org.opencontainers.image.documentation="https://github.com/greenapi-exporter/greenapi_exporter/blob/main/README.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 10174
ENTRYPOINT ["/bin/greenapi_exporter"]
