#compdef runup

autoload -U is-at-least

_runup() {
typeset -A opt_args
typeset -a _arguments_options
local ret=1

if is-at-least 5.2; then
_arguments_options=(-s -S -C)
else
_arguments_options=(-s -C)
fi

local context curcontext="$curcontext" state line
_arguments "${_arguments_options[@]}" : \
'*--require=[What must answer before the command starts\: tcp\://host\:port, tls\://host\:port, http(s)\://…, dns\://name, proxy\://host\:port; options behind \`#\`, as in https\://nexus/#expect=200-399,401&timeout=9s]:URL:_default' \
'*--want=[What should answer\: a warning where it does not]:URL:_default' \
'*--require-variable=[A variable that must be set and not empty]:NAME:_default' \
'*--require-permission=[An IAM permission that the service account must hold on its project, as compute.instances.list]:NAME:_default' \
'*--require-api=[A Google API'\''s host that must answer, as compute.googleapis.com]:HOST:_default' \
'--service-account=[The identity that the metadata server must give]:EMAIL:_default' \
'--metadata=[Whether the metadata server must answer \[default\: require\]]:WHEN:((require\:"The command is not started without it"
want\:"A warning where it is missing"
off\:"It is not asked for"))' \
'--proxy=[What to do with the proxy variables \[default\: mend\]]:MODE:((mend\:"Make all clients agree"
bypass\:"Touch NO_PROXY and no_proxy only"
strip\:"Take every proxy variable out"
keep\:"Change nothing, report only"))' \
'*--direct=[A host, .domain, address or network that must never go through the proxy]:HOST:_default' \
'--java=[Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr]::BOOL:(true false)' \
'--ca-file=[A corporate CA in PEM, for the checks and, with the public roots, for every client of the command]:FILE:_files' \
'--timeout=[The time for all checks together \[default\: 120s\]]:DURATION:_default' \
'--attempt-timeout=[The time for one attempt of one check \[default\: 5s\]]:DURATION:_default' \
'--backoff-initial=[The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it \[default\: 200ms\]]:DURATION:_default' \
'--backoff-max=[The upper bound of any pause \[default\: 5s\]]:DURATION:_default' \
'--splay=[Over how long the first attempts of a job'\''s tasks are spread, by task number and chance; inside the timeout \[default\: 0s\]]:DURATION:_default' \
'--on-failure=[What to do when something required failed \[default\: abort\]]:POLICY:((abort\:"The command is not started"
warn\:"The command is started all the same"))' \
'*--ignore=[The code of a finding that is not to count, as \`tls/expires-soon\`; those of a command that cannot run always do]:CODE:_default' \
'--strict=[Take warnings for errors; \`--on-failure warn\` has the last word]::BOOL:(true false)' \
'--report=[Write a report, too; the name says the form\: .json, .xml for JUnit, .mmd for Mermaid, text for all others]:FILE:_files' \
'--init=[Stay as the command'\''s parent\: forward signals, reap orphans, keep the exit code]::BOOL:(true false)' \
'--init-group=[The same, with the command in a process group of its own, which gets the signals]::BOOL:(true false)' \
'--grace=[With --init\: kill the command so long after a SIGTERM \[default\: never\]]:DURATION:_default' \
'--emulate=[Run against an embedded metadata server; runup stays as the command'\''s parent, as with --init]::BOOL:(true false)' \
'--log-format=[How to speak\: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE \[default\: auto\]]:FORMAT:((auto\:"JSON on Cloud Run and GKE, text elsewhere"
text\:"For people"
json\:"One object a line, as Cloud Logging reads it"))' \
'-q+[Say nothing when all is well]::BOOL:(true false)' \
'--quiet=[Say nothing when all is well]::BOOL:(true false)' \
'*-v[Say more\: the edits and the attempts; twice, the requests too]' \
'*--verbose[Say more\: the edits and the attempts; twice, the requests too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::command -- The command and its arguments; everything after its name is its own:_cmdambivalent' \
":: :_runup_commands" \
"*::: :->runup" \
&& ret=0
case $state in
(runup)
words=($line[2] "${words[@]}")
(( CURRENT += 1 ))
curcontext="${curcontext%:*:*}:runup-command-$line[2]:"
case $line[2] in
(check)
_arguments "${_arguments_options[@]}" : \
'--format=[The form of the report on stdout]:FORMAT:((text\:"For people"
json\:"For programs; docs/report.schema.json describes it"
mermaid\:"A flowchart of what is reached how, for a ticket"
junit\:"Test results in XML, for pipelines"))' \
'*--require=[What must answer before the command starts\: tcp\://host\:port, tls\://host\:port, http(s)\://…, dns\://name, proxy\://host\:port; options behind \`#\`, as in https\://nexus/#expect=200-399,401&timeout=9s]:URL:_default' \
'*--want=[What should answer\: a warning where it does not]:URL:_default' \
'*--require-variable=[A variable that must be set and not empty]:NAME:_default' \
'*--require-permission=[An IAM permission that the service account must hold on its project, as compute.instances.list]:NAME:_default' \
'*--require-api=[A Google API'\''s host that must answer, as compute.googleapis.com]:HOST:_default' \
'--service-account=[The identity that the metadata server must give]:EMAIL:_default' \
'--metadata=[Whether the metadata server must answer \[default\: require\]]:WHEN:((require\:"The command is not started without it"
want\:"A warning where it is missing"
off\:"It is not asked for"))' \
'--proxy=[What to do with the proxy variables \[default\: mend\]]:MODE:((mend\:"Make all clients agree"
bypass\:"Touch NO_PROXY and no_proxy only"
strip\:"Take every proxy variable out"
keep\:"Change nothing, report only"))' \
'*--direct=[A host, .domain, address or network that must never go through the proxy]:HOST:_default' \
'--java=[Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr]::BOOL:(true false)' \
'--ca-file=[A corporate CA in PEM, for the checks and, with the public roots, for every client of the command]:FILE:_files' \
'--timeout=[The time for all checks together \[default\: 120s\]]:DURATION:_default' \
'--attempt-timeout=[The time for one attempt of one check \[default\: 5s\]]:DURATION:_default' \
'--backoff-initial=[The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it \[default\: 200ms\]]:DURATION:_default' \
'--backoff-max=[The upper bound of any pause \[default\: 5s\]]:DURATION:_default' \
'--splay=[Over how long the first attempts of a job'\''s tasks are spread, by task number and chance; inside the timeout \[default\: 0s\]]:DURATION:_default' \
'--on-failure=[What to do when something required failed \[default\: abort\]]:POLICY:((abort\:"The command is not started"
warn\:"The command is started all the same"))' \
'*--ignore=[The code of a finding that is not to count, as \`tls/expires-soon\`; those of a command that cannot run always do]:CODE:_default' \
'--strict=[Take warnings for errors; \`--on-failure warn\` has the last word]::BOOL:(true false)' \
'--report=[Write a report, too; the name says the form\: .json, .xml for JUnit, .mmd for Mermaid, text for all others]:FILE:_files' \
'--init=[Stay as the command'\''s parent\: forward signals, reap orphans, keep the exit code]::BOOL:(true false)' \
'--init-group=[The same, with the command in a process group of its own, which gets the signals]::BOOL:(true false)' \
'--grace=[With --init\: kill the command so long after a SIGTERM \[default\: never\]]:DURATION:_default' \
'--emulate=[Run against an embedded metadata server; runup stays as the command'\''s parent, as with --init]::BOOL:(true false)' \
'--log-format=[How to speak\: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE \[default\: auto\]]:FORMAT:((auto\:"JSON on Cloud Run and GKE, text elsewhere"
text\:"For people"
json\:"One object a line, as Cloud Logging reads it"))' \
'-q+[Say nothing when all is well]::BOOL:(true false)' \
'--quiet=[Say nothing when all is well]::BOOL:(true false)' \
'*-v[Say more\: the edits and the attempts; twice, the requests too]' \
'*--verbose[Say more\: the edits and the attempts; twice, the requests too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::command -- The command that would be started, and its arguments:_cmdambivalent' \
&& ret=0
;;
(env)
_arguments "${_arguments_options[@]}" : \
'--format=[The form\: sh is for \`eval "\$(runup env)"\` and holds the changes alone]:FORMAT:((sh\:"Commands for a POSIX shell"
dotenv\:"NAME=VALUE lines"
json\:"One JSON object"))' \
'*--require=[What must answer before the command starts\: tcp\://host\:port, tls\://host\:port, http(s)\://…, dns\://name, proxy\://host\:port; options behind \`#\`, as in https\://nexus/#expect=200-399,401&timeout=9s]:URL:_default' \
'*--want=[What should answer\: a warning where it does not]:URL:_default' \
'*--require-variable=[A variable that must be set and not empty]:NAME:_default' \
'*--require-permission=[An IAM permission that the service account must hold on its project, as compute.instances.list]:NAME:_default' \
'*--require-api=[A Google API'\''s host that must answer, as compute.googleapis.com]:HOST:_default' \
'--service-account=[The identity that the metadata server must give]:EMAIL:_default' \
'--metadata=[Whether the metadata server must answer \[default\: require\]]:WHEN:((require\:"The command is not started without it"
want\:"A warning where it is missing"
off\:"It is not asked for"))' \
'--proxy=[What to do with the proxy variables \[default\: mend\]]:MODE:((mend\:"Make all clients agree"
bypass\:"Touch NO_PROXY and no_proxy only"
strip\:"Take every proxy variable out"
keep\:"Change nothing, report only"))' \
'*--direct=[A host, .domain, address or network that must never go through the proxy]:HOST:_default' \
'--java=[Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr]::BOOL:(true false)' \
'--ca-file=[A corporate CA in PEM, for the checks and, with the public roots, for every client of the command]:FILE:_files' \
'--timeout=[The time for all checks together \[default\: 120s\]]:DURATION:_default' \
'--attempt-timeout=[The time for one attempt of one check \[default\: 5s\]]:DURATION:_default' \
'--backoff-initial=[The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it \[default\: 200ms\]]:DURATION:_default' \
'--backoff-max=[The upper bound of any pause \[default\: 5s\]]:DURATION:_default' \
'--splay=[Over how long the first attempts of a job'\''s tasks are spread, by task number and chance; inside the timeout \[default\: 0s\]]:DURATION:_default' \
'--on-failure=[What to do when something required failed \[default\: abort\]]:POLICY:((abort\:"The command is not started"
warn\:"The command is started all the same"))' \
'*--ignore=[The code of a finding that is not to count, as \`tls/expires-soon\`; those of a command that cannot run always do]:CODE:_default' \
'--strict=[Take warnings for errors; \`--on-failure warn\` has the last word]::BOOL:(true false)' \
'--report=[Write a report, too; the name says the form\: .json, .xml for JUnit, .mmd for Mermaid, text for all others]:FILE:_files' \
'--init=[Stay as the command'\''s parent\: forward signals, reap orphans, keep the exit code]::BOOL:(true false)' \
'--init-group=[The same, with the command in a process group of its own, which gets the signals]::BOOL:(true false)' \
'--grace=[With --init\: kill the command so long after a SIGTERM \[default\: never\]]:DURATION:_default' \
'--emulate=[Run against an embedded metadata server; runup stays as the command'\''s parent, as with --init]::BOOL:(true false)' \
'--log-format=[How to speak\: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE \[default\: auto\]]:FORMAT:((auto\:"JSON on Cloud Run and GKE, text elsewhere"
text\:"For people"
json\:"One object a line, as Cloud Logging reads it"))' \
'-q+[Say nothing when all is well]::BOOL:(true false)' \
'--quiet=[Say nothing when all is well]::BOOL:(true false)' \
'--diff[Print what is changed, and why, without secrets]' \
'*-v[Say more\: the edits and the attempts; twice, the requests too]' \
'*--verbose[Say more\: the edits and the attempts; twice, the requests too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(route)
_arguments "${_arguments_options[@]}" : \
'--format=[The form]:FORMAT:((text\:"For people"
json\:"For programs"))' \
'--proxy=[What to do with the proxy variables \[default\: mend\]]:MODE:((mend\:"Make all clients agree"
bypass\:"Touch NO_PROXY and no_proxy only"
strip\:"Take every proxy variable out"
keep\:"Change nothing, report only"))' \
'*--direct=[A host, .domain, address or network that must never go through the proxy]:HOST:_default' \
'--java=[Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr]::BOOL:(true false)' \
'--ca-file=[A corporate CA in PEM, for the checks and, with the public roots, for every client of the command]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::urls -- The URLs, http or https:_default' \
&& ret=0
;;
(token)
_arguments "${_arguments_options[@]}" : \
'--identity=[Print an identity token for this audience instead, the URL of a Cloud Run service as a rule]:AUDIENCE:_default' \
'--service-account=[The service account whose token it must be]:EMAIL:_default' \
'--timeout=[The time for all attempts \[default\: 120s\]]:DURATION:_default' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'::code -- The code in the last line of a finding:_default' \
&& ret=0
;;
(emulate)
_arguments "${_arguments_options[@]}" : \
'--listen=[Where to listen; port 0 takes any free port]:ADDRESS:PORT:_default' \
'--service-account=[The service account to play]:EMAIL:_default' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(copy)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':directory -- The directory, which must exist; a `runup` in it is replaced:_files -/' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':shell -- The shell:((bash\:"Source it, or keep it as bash-completion'\''s completions/runup"
fish\:"Keep it as completions/runup.fish of fish'\''s configuration"
zsh\:"Keep it as _runup in a directory of fpath"))' \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
esac
;;
esac
}

(( $+functions[_runup_commands] )) ||
_runup_commands() {
local commands; commands=(
'check:Do all of a run but start the command, and print a report' \
'env:Print the environment that the command would get' \
'route:Print which way every HTTP client would send a URL, before and after the mend' \
'token:Print a token of the metadata server, for scripts that use curl' \
'explain:Print what a finding means and who can mend it; without CODE, all there are' \
'emulate:Serve an emulated metadata server on loopback' \
'copy:Copy this program to DIR/runup, as an init container does for the job'\''s container' \
'completions:Print what a shell needs to complete the words of runup' \
'man:Print the manual page' \
)
_describe -t commands 'runup commands' commands "$@"
}
(( $+functions[_runup__subcmd__check_commands] )) ||
_runup__subcmd__check_commands() {
local commands; commands=()
_describe -t commands 'runup check commands' commands "$@"
}
(( $+functions[_runup__subcmd__completions_commands] )) ||
_runup__subcmd__completions_commands() {
local commands; commands=()
_describe -t commands 'runup completions commands' commands "$@"
}
(( $+functions[_runup__subcmd__copy_commands] )) ||
_runup__subcmd__copy_commands() {
local commands; commands=()
_describe -t commands 'runup copy commands' commands "$@"
}
(( $+functions[_runup__subcmd__emulate_commands] )) ||
_runup__subcmd__emulate_commands() {
local commands; commands=()
_describe -t commands 'runup emulate commands' commands "$@"
}
(( $+functions[_runup__subcmd__env_commands] )) ||
_runup__subcmd__env_commands() {
local commands; commands=()
_describe -t commands 'runup env commands' commands "$@"
}
(( $+functions[_runup__subcmd__explain_commands] )) ||
_runup__subcmd__explain_commands() {
local commands; commands=()
_describe -t commands 'runup explain commands' commands "$@"
}
(( $+functions[_runup__subcmd__man_commands] )) ||
_runup__subcmd__man_commands() {
local commands; commands=()
_describe -t commands 'runup man commands' commands "$@"
}
(( $+functions[_runup__subcmd__route_commands] )) ||
_runup__subcmd__route_commands() {
local commands; commands=()
_describe -t commands 'runup route commands' commands "$@"
}
(( $+functions[_runup__subcmd__token_commands] )) ||
_runup__subcmd__token_commands() {
local commands; commands=()
_describe -t commands 'runup token commands' commands "$@"
}

if [ "$funcstack[1]" = "_runup" ]; then
_runup "$@"
else
compdef _runup runup
fi
