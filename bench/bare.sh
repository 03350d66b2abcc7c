#!/bin/bash
# The same work without any orchestrator: clone, Codex in a container on the host's network, commit, push, one POST.
# Codex gets the flags that make it quick, as the product gives them, and the key by the environment.
#
#   REPOSITORY_URL API_URL TOKEN   where it lies, where the pull request goes, and a token for both
#   MODEL_URL MODEL OPENAI_API_KEY the model API
#   IMAGE WORK_PATH BRANCH         the runner image, a folder that does not exist yet, the branch to make
set -euo pipefail

header="http.extraHeader=Authorization: Basic $(printf 'x-access-token:%s' "$TOKEN" | base64 --wrap=0)"
provider="{name=\"bare\",base_url=\"$MODEL_URL\",wire_api=\"responses\",env_key=\"OPENAI_API_KEY\"}"

git -c "$header" clone --quiet "$REPOSITORY_URL" "$WORK_PATH"

user="$(id -u):$(id -g)"
if [ "$(id -u)" = 0 ]; then
  user=10001:10001
  chown -R "$user" "$WORK_PATH"
fi

docker run --rm --init --network host --user "$user" --env OPENAI_API_KEY --env HOME=/tmp --env CODEX_HOME=/codex \
  --tmpfs /tmp --tmpfs /codex:mode=1777 --volume "$WORK_PATH:/workspace" --workdir /workspace \
  --entrypoint codex-native "$IMAGE" \
  exec --json --dangerously-bypass-approvals-and-sandbox --disable plugins -c analytics.enabled=false \
  -c 'web_search="disabled"' -c 'model_provider="bare"' -c "model_providers.bare=$provider" -m "$MODEL" \
  'Do the work.' </dev/null >"$WORK_PATH.log" 2>&1

if [ "$(id -u)" = 0 ]; then chown -R 0:0 "$WORK_PATH"; fi

cd "$WORK_PATH"
git checkout --quiet -b "$BRANCH"
git add --all
git -c user.name=bare -c user.email=bare@example.invalid commit --quiet --message 'Do the work'
git -c "$header" push --quiet origin "$BRANCH"

curl --silent --show-error --fail --output /dev/null --request POST \
  --header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' \
  --data "{\"head\":\"$BRANCH\",\"base\":\"main\",\"title\":\"Do the work\"}" \
  "$API_URL/pulls"
