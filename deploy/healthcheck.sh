#!/bin/bash
# healthcheck [PORT [PATH]]: whether a role of this container answers 200. The image has no curl, and needs none for this.
port=${1:-8080}
path=${2:-/health/live}
exec 2> /dev/null
exec 3<> "/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
read -r -t 4 _ status _ <&3
[[ $status == 200 ]]
