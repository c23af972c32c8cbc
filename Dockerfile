# syntax=docker/dockerfile:1
# docker build -t banyan --build-arg COMMIT="$(git rev-parse HEAD)" .
#
# Alone it starts its own PostgreSQL, in the volume:  docker run --init -e REGISTRATION=open -p 127.0.0.1:3000:3000 -v banyan:/app/data banyan
# With databases of their own: docker-compose.yml.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json nest-cli.json rolldown.config.mjs ./
COPY scripts/build-if-stale.mjs scripts/
COPY migrations migrations
COPY src src
COPY web web
RUN npm run build
# Optional packages stay in: the password hash (argon2) has its binaries there, and so has PostgreSQL.
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ARG COMMIT=""
ARG VERSION=""
LABEL org.opencontainers.image.title="Banyan" \
      org.opencontainers.image.description="The self-hosted backend for AI conversations that branch." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/app/data BANYAN_COMMIT=$COMMIT
RUN mkdir data && chown node:node data
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY cli cli
RUN ln -sf /app/cli/banyan.mjs /usr/local/bin/banyan
# Served at /docs/errors, where the `type` of every problem points.
COPY docs/errors.md docs/errors.md
USER node
VOLUME /app/data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/server/main.mjs"]
