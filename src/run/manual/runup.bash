_runup() {
local i cur prev opts cmd
COMPREPLY=()
if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
cur="$2"
else
cur="${COMP_WORDS[COMP_CWORD]}"
fi
prev="$3"
cmd=""
opts=""

for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
do
case "${cmd},${i}" in
",$1")
cmd="runup"
;;
runup,check)
cmd="runup__subcmd__check"
;;
runup,completions)
cmd="runup__subcmd__completions"
;;
runup,copy)
cmd="runup__subcmd__copy"
;;
runup,emulate)
cmd="runup__subcmd__emulate"
;;
runup,env)
cmd="runup__subcmd__env"
;;
runup,explain)
cmd="runup__subcmd__explain"
;;
runup,man)
cmd="runup__subcmd__man"
;;
runup,route)
cmd="runup__subcmd__route"
;;
runup,token)
cmd="runup__subcmd__token"
;;
*)
;;
esac
done

case "${cmd}" in
runup)
opts="-v -q -h -V --require --want --require-variable --require-permission --require-api --service-account --metadata --proxy --direct --java --ca-file --timeout --attempt-timeout --backoff-initial --backoff-max --splay --on-failure --ignore --strict --report --init --init-group --grace --emulate --log-format --verbose --quiet --help --version check env route token explain emulate copy completions man"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
--require)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--want)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-variable)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-permission)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-api)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--service-account)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--metadata)
COMPREPLY=($(compgen -W "require want off" -- "${cur}"))
return 0
;;
--proxy)
COMPREPLY=($(compgen -W "mend bypass strip keep" -- "${cur}"))
return 0
;;
--direct)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--java)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--ca-file)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--attempt-timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--backoff-initial)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--backoff-max)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--splay)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--on-failure)
COMPREPLY=($(compgen -W "abort warn" -- "${cur}"))
return 0
;;
--ignore)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--strict)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--report)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--init)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--init-group)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--grace)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--emulate)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--log-format)
COMPREPLY=($(compgen -W "auto text json" -- "${cur}"))
return 0
;;
--quiet)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
-q)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__check)
opts="-v -q -h --format --require --want --require-variable --require-permission --require-api --service-account --metadata --proxy --direct --java --ca-file --timeout --attempt-timeout --backoff-initial --backoff-max --splay --on-failure --ignore --strict --report --init --init-group --grace --emulate --log-format --verbose --quiet --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
--format)
COMPREPLY=($(compgen -W "text json mermaid junit" -- "${cur}"))
return 0
;;
--require)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--want)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-variable)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-permission)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-api)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--service-account)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--metadata)
COMPREPLY=($(compgen -W "require want off" -- "${cur}"))
return 0
;;
--proxy)
COMPREPLY=($(compgen -W "mend bypass strip keep" -- "${cur}"))
return 0
;;
--direct)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--java)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--ca-file)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--attempt-timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--backoff-initial)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--backoff-max)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--splay)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--on-failure)
COMPREPLY=($(compgen -W "abort warn" -- "${cur}"))
return 0
;;
--ignore)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--strict)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--report)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--init)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--init-group)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--grace)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--emulate)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--log-format)
COMPREPLY=($(compgen -W "auto text json" -- "${cur}"))
return 0
;;
--quiet)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
-q)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__completions)
opts="-h --help bash fish zsh"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__copy)
opts="-h --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__emulate)
opts="-h --listen --service-account --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
--listen)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--service-account)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__env)
opts="-v -q -h --format --diff --require --want --require-variable --require-permission --require-api --service-account --metadata --proxy --direct --java --ca-file --timeout --attempt-timeout --backoff-initial --backoff-max --splay --on-failure --ignore --strict --report --init --init-group --grace --emulate --log-format --verbose --quiet --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
--format)
COMPREPLY=($(compgen -W "sh dotenv json" -- "${cur}"))
return 0
;;
--require)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--want)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-variable)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-permission)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--require-api)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--service-account)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--metadata)
COMPREPLY=($(compgen -W "require want off" -- "${cur}"))
return 0
;;
--proxy)
COMPREPLY=($(compgen -W "mend bypass strip keep" -- "${cur}"))
return 0
;;
--direct)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--java)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--ca-file)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--attempt-timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--backoff-initial)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--backoff-max)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--splay)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--on-failure)
COMPREPLY=($(compgen -W "abort warn" -- "${cur}"))
return 0
;;
--ignore)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--strict)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--report)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--init)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--init-group)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--grace)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--emulate)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--log-format)
COMPREPLY=($(compgen -W "auto text json" -- "${cur}"))
return 0
;;
--quiet)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
-q)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__explain)
opts="-h --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__man)
opts="-h --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__route)
opts="-h --format --proxy --direct --java --ca-file --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
--format)
COMPREPLY=($(compgen -W "text json" -- "${cur}"))
return 0
;;
--proxy)
COMPREPLY=($(compgen -W "mend bypass strip keep" -- "${cur}"))
return 0
;;
--direct)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--java)
COMPREPLY=($(compgen -W "true false" -- "${cur}"))
return 0
;;
--ca-file)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
runup__subcmd__token)
opts="-h --identity --service-account --timeout --help"
if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
fi
case "${prev}" in
--identity)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--service-account)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
--timeout)
COMPREPLY=($(compgen -f "${cur}"))
return 0
;;
*)
COMPREPLY=()
;;
esac
COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
return 0
;;
esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
complete -F _runup -o nosort -o bashdefault -o default runup
else
complete -F _runup -o bashdefault -o default runup
fi
