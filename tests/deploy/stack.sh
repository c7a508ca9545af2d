#!/usr/bin/env bash
# Builds template.yaml, deploys it by SAM on ministack, and gives the stories what they need to be told there. Sourced by
# the commands that do so; ends when they end.

source "$(dirname "${BASH_SOURCE[0]}")/../tools.sh"
needs curl:curl
venv deploy
# First on the PATH: cargo-lambda asks its Python for the linker.
venv sam
python=$tools/deploy/bin/python
cd "$root" || exit

work=$tools/deploy/work
rm -rf "$work/tmp"
mkdir -p "$work/tmp"
stack=userpush
export RUST_BACKTRACE=0 SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
unset AWS_SESSION_TOKEN AWS_PROFILE

source "$root/tests/processes.sh"

echo "== build"
sam_build "$work/build"
"$tools/sam/bin/python" tests/deploy/deployable.py "$work/build/template.yaml" "$work/build/deployed.yaml"

echo "== start"
starts_local local
local=$(until_succeeds listening local)
sns=$(curl -sS "$local/_local/info" | sed -n 's/.*"awsEndpointUrl":"\([^"]*\)".*/\1/p')

port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
# Functions inherit what ministack is given: all of AWS is ministack, but SNS is the local system.
starts ministack env AUTH=true IOT_MTLS_ENABLED=0 BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" \
    TMPDIR="$work/tmp" S3_DATA_DIR="$work/tmp/s3" AWS_ENDPOINT_URL_SNS="$sns" "$tools/deploy/bin/ministack"
until_succeeds "$python" -c "import socket; socket.create_connection(('127.0.0.1', $port))"
echo "ministack answers at $AWS_ENDPOINT_URL, the local system at $local, its SNS at $sns"

echo "== deploy"
# deploy NAME=VALUE…: with these parameters beside those that this place needs.
deploy() {
    sam deploy --template-file "$work/build/deployed.yaml" --stack-name "$stack" --resolve-s3 --capabilities CAPABILITY_IAM \
        --no-confirm-changeset --no-progressbar --parameter-overrides \
        "IssuerUrl=$local/_local/issuer" Audience=userpush FcmSenderId=123456789012 \
        FcmApplicationArn=arn:aws:sns:us-east-1:000000000000:app/GCM/userpush \
        ApnsApplicationArn=arn:aws:sns:us-east-1:000000000000:app/APNS/userpush "$@" >>"$work/deploy.log" 2>&1 ||
        { tail -n 40 "$work/deploy.log" >&2; fail "sam deploy failed"; }
}
: >"$work/deploy.log"
deploy
"$python" tests/deploy/complete.py "$stack"
starts control "$python" tests/deploy/control.py "$stack" "$local"
control=$(until_succeeds listening control)
api=$(sed -n 's/^the API is //p' "$work/control.out")

# stories ARGUMENT…: tells them to the deployed stack, few at a time: all of AWS is one Python process here.
stories() {
    USERPUSH_URL=$api USERPUSH_CONTROL=$control cargo test --quiet --workspace --locked --test black_box -- --test-threads 4 "$@"
}
