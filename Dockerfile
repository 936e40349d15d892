# The image of all roles: manager (default), agent. Build stage with the sources, final stage with the bundles and redis-server alone.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Without scripts: esbuild's program comes as a package of its own, and Node is the image's.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/*.ts scripts/
COPY operator operator
RUN node scripts/build.ts

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="sysctl-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Gives nodes and pods the kernel parameters (sysctls) they must have, and puts the old ones back"
# redis-server: the embedded queue when REDIS_URL is not set. util-linux: nsenter, the agent's way to the node's systemd; unshare and
# setpriv, its look at the kernel from new namespaces.
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server util-linux \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx
COPY --from=build /src/dist /opt/sysctl-operator
ENV NODE_ENV=production
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/opt/sysctl-operator/main.cjs"]
CMD ["manager"]
