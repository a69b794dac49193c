#!/usr/bin/env bash
# The Model Context Protocol by hand: what any client sends, and what comes back. Needs curl and jq.
#   A2A_URL=https://HOST A2A_API_KEY=KEY [A2A_CA=FILE.crt] ./protocol.sh [tools|errors|stream ...]     (default: all)
set -euo pipefail

usage() { sed -n '2,3s/^# *//p' "$0"; }
case "${1:-}" in -h | --help) usage; exit 0 ;; esac
for name in A2A_URL A2A_API_KEY; do
    if [ -z "${!name:-}" ]; then
        { echo "error: $name is not set"; usage; } >&2
        exit 2
    fi
done
for program in curl jq; do
    command -v "$program" >/dev/null || { echo "error: this example needs $program" >&2; exit 2; }
done

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# post SERVICE MESSAGE [HEADER ...]: one message by POST; what comes back goes to standard output.
# The key goes in by a file descriptor: an argument would show in `ps`. --retry obeys Retry-After on 429 and 503.
post() {
    local service=$1 message=$2 status=0 reason header headers=()
    shift 2
    for header in "$@"; do headers+=(-H "$header"); done
    reason=$(curl -s ${A2A_CA:+--cacert "$A2A_CA"} --retry 5 --retry-max-time 120 --connect-timeout 5 --max-time 150 \
        -H @<(printf 'Authorization: Bearer %s\n' "$A2A_API_KEY") \
        -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
        "${headers[@]}" -d "$message" "${A2A_URL%/}/$service/mcp" -o "$answer" -w '%{errormsg}') || status=$?
    case $status in
        0) ;;
        60) echo "error: the certificate of $A2A_URL is not trusted; set A2A_CA to its authority's file" >&2; exit 1 ;;
        77) echo "error: A2A_CA=${A2A_CA:-} is no certificate file" >&2; exit 1 ;;
        *) echo "error: $A2A_URL does not answer: $reason" >&2; exit 1 ;;
    esac
    if [ "$(jq -r '.error.data.code?' "$answer" 2>/dev/null)" = unauthenticated ]; then
        echo "error: $A2A_URL refuses the key: $(jq -r .error.message "$answer")" >&2
        exit 1
    fi
    cat "$answer"
}

# The handshake revisions, up to 2025-11-25: say hello, then name the revision in a header.
handshake=('MCP-Protocol-Version: 2025-11-25')
call() { post "$1" "$(jq -nc --arg tool "$2" --argjson arguments "$3" \
    '{jsonrpc: "2.0", id: 3, method: "tools/call", params: {name: $tool, arguments: $arguments}}')" "${handshake[@]}"; }

# Revision 2026-07-28: no hello. Every request says who asks, in its body, and what it asks for, in its headers as well.
modern_message() {
    jq -nc --arg method "$1" --argjson params "$2" '{jsonrpc: "2.0", id: 1, method: $method, params: ($params + {_meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {name: "curl", version: "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}})}'
}
modern() {
    local service=$1 method=$2 params=$3 name headers
    headers=('MCP-Protocol-Version: 2026-07-28' "Mcp-Method: $method")
    name=$(jq -r '.name // .uri // empty' <<<"$params")
    [ -z "$name" ] || headers+=("Mcp-Name: $name")
    post "$service" "$(modern_message "$method" "$params")" "${headers[@]}"
}

tools() {
    echo '== Handshake: initialize, then the notification that we are ready (202, no body)'
    post semantic_similarity '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",
        "capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}' |
        jq -c '.result | {protocolVersion, server: .serverInfo.name}'
    post semantic_similarity '{"jsonrpc":"2.0","method":"notifications/initialized"}' "${handshake[@]}"

    echo '== Handshake: tools/list'
    post semantic_similarity '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' "${handshake[@]}" |
        jq -c '[.result.tools[].name]'

    echo '== Handshake: tools/call'
    call semantic_similarity calculate_text_similarity '{"text1":"kitten","text2":"sitting","method":"edit"}' |
        jq -c '.result.structuredContent | {similarity, method}'

    echo '== 2026-07-28: server/discover, instead of a handshake'
    modern semantic_similarity server/discover '{}' | jq -c '.result | {supportedVersions}'

    echo '== 2026-07-28: tools/call'
    modern data_standardization tools/call \
        '{"name":"standardize_dates","arguments":{"values":["03/04/2025","4 March 2025"],"order":"DMY"}}' |
        jq -c '[.result.structuredContent.results[].value]'
}

errors() {
    echo '== A tool that could not: a result with isError, which says what to mend'
    call data_standardization standardize_dates '{"values":["03/04/2025"],"order":"DAY-FIRST"}' |
        jq -c '.result | {isError, error: .structuredContent.error}'

    echo '== A message that is wrong: a JSON-RPC error'
    post data_standardization '{"jsonrpc":"2.0","id":4,"method":"tools/cal"}' "${handshake[@]}" |
        jq -c '.error | {code, message}'
}

# A live resource: subscriptions/listen keeps its answer open and sends server-sent events; the log tells what happened.
stream() {
    local uri="stream://shared/curl-$RANDOM$RANDOM" publish='{"name":"publish_resource","arguments":{}}' pid
    publish=$(jq -c --arg uri "$uri" '.arguments = {uri: $uri, content: {n: 1}, ttl_seconds: 60}' <<<"$publish")
    echo "== Follow $uri for five seconds, and publish to it meanwhile"
    listen "$uri" 5 &
    pid=$!
    sleep 2
    modern resource_streaming tools/call "$publish" | jq -c '.result.structuredContent | {uri, version, change_type}'
    wait "$pid"
    echo '== Read its log from the start'
    call resource_streaming read_resource_stream "$(jq -nc --arg uri "$uri" '{uris: [$uri], after: "0"}')" |
        jq -c '.result.structuredContent.events[] | {version, change_type, content}'
}

# listen URI SECONDS: each event's data on a line. curl ends with 28 when its time is up, which here is the plan.
listen() {
    local status=0
    curl -sSN ${A2A_CA:+--cacert "$A2A_CA"} --max-time "$2" \
        -H @<(printf 'Authorization: Bearer %s\n' "$A2A_API_KEY") \
        -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
        -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: subscriptions/listen' \
        -d "$(modern_message subscriptions/listen "$(jq -nc --arg uri "$1" \
            '{notifications: {resourceSubscriptions: [$uri]}}')")" \
        "${A2A_URL%/}/resource_streaming/mcp" 2>/dev/null |
        sed -un 's/^data: *//p' | jq -r --unbuffered '"\(.method) \(.params.uri // "")"' || status=${PIPESTATUS[0]}
    [ "$status" -eq 0 ] || [ "$status" -eq 28 ]
}

for part in "${@:-tools errors stream}"; do
    for one in $part; do
        case $one in
            tools | errors | stream) "$one" ;;
            *) echo "error: $one is none of tools, errors, stream" >&2; exit 2 ;;
        esac
    done
done
