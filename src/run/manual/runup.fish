# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_runup_global_optspecs
string join \n require= want= require-variable= require-permission= require-api= service-account= metadata= proxy= direct= java= ca-file= timeout= attempt-timeout= backoff-initial= backoff-max= splay= on-failure= ignore= strict= report= init= init-group= grace= emulate= log-format= v/verbose q/quiet= h/help V/version
end

function __fish_runup_needs_command
# Figure out if the current invocation already has a command.
set -l cmd (commandline -opc)
set -e cmd[1]
argparse -s (__fish_runup_global_optspecs) -- $cmd 2>/dev/null
or return
if set -q argv[1]
# Also print the command, so this can be used to figure out what it is.
echo $argv[1]
return 1
end
return 0
end

function __fish_runup_using_subcommand
set -l cmd (__fish_runup_needs_command)
test -z "$cmd"
and return 1
contains -- $cmd[1] $argv
end

complete -c runup -n "__fish_runup_needs_command" -l require -d 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s' -r
complete -c runup -n "__fish_runup_needs_command" -l want -d 'What should answer: a warning where it does not' -r
complete -c runup -n "__fish_runup_needs_command" -l require-variable -d 'A variable that must be set and not empty' -r
complete -c runup -n "__fish_runup_needs_command" -l require-permission -d 'An IAM permission that the service account must hold on its project, as compute.instances.list' -r
complete -c runup -n "__fish_runup_needs_command" -l require-api -d 'A Google API\'s host that must answer, as compute.googleapis.com' -r
complete -c runup -n "__fish_runup_needs_command" -l service-account -d 'The identity that the metadata server must give' -r
complete -c runup -n "__fish_runup_needs_command" -l metadata -d 'Whether the metadata server must answer [default: require]' -r -f -a "require\t'The command is not started without it'
want\t'A warning where it is missing'
off\t'It is not asked for'"
complete -c runup -n "__fish_runup_needs_command" -l proxy -d 'What to do with the proxy variables [default: mend]' -r -f -a "mend\t'Make all clients agree'
bypass\t'Touch NO_PROXY and no_proxy only'
strip\t'Take every proxy variable out'
keep\t'Change nothing, report only'"
complete -c runup -n "__fish_runup_needs_command" -l direct -d 'A host, .domain, address or network that must never go through the proxy' -r
complete -c runup -n "__fish_runup_needs_command" -l java -d 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_needs_command" -l ca-file -d 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command' -r -F
complete -c runup -n "__fish_runup_needs_command" -l timeout -d 'The time for all checks together [default: 120s]' -r
complete -c runup -n "__fish_runup_needs_command" -l attempt-timeout -d 'The time for one attempt of one check [default: 5s]' -r
complete -c runup -n "__fish_runup_needs_command" -l backoff-initial -d 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]' -r
complete -c runup -n "__fish_runup_needs_command" -l backoff-max -d 'The upper bound of any pause [default: 5s]' -r
complete -c runup -n "__fish_runup_needs_command" -l splay -d 'Over how long the first attempts of a job\'s tasks are spread, by task number and chance; inside the timeout [default: 0s]' -r
complete -c runup -n "__fish_runup_needs_command" -l on-failure -d 'What to do when something required failed [default: abort]' -r -f -a "abort\t'The command is not started'
warn\t'The command is started all the same'"
complete -c runup -n "__fish_runup_needs_command" -l ignore -d 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do' -r
complete -c runup -n "__fish_runup_needs_command" -l strict -d 'Take warnings for errors; `--on-failure warn` has the last word' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_needs_command" -l report -d 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others' -r -F
complete -c runup -n "__fish_runup_needs_command" -l init -d 'Stay as the command\'s parent: forward signals, reap orphans, keep the exit code' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_needs_command" -l init-group -d 'The same, with the command in a process group of its own, which gets the signals' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_needs_command" -l grace -d 'With --init: kill the command so long after a SIGTERM [default: never]' -r
complete -c runup -n "__fish_runup_needs_command" -l emulate -d 'Run against an embedded metadata server; runup stays as the command\'s parent, as with --init' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_needs_command" -l log-format -d 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]' -r -f -a "auto\t'JSON on Cloud Run and GKE, text elsewhere'
text\t'For people'
json\t'One object a line, as Cloud Logging reads it'"
complete -c runup -n "__fish_runup_needs_command" -s q -l quiet -d 'Say nothing when all is well' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_needs_command" -s v -l verbose -d 'Say more: the edits and the attempts; twice, the requests too'
complete -c runup -n "__fish_runup_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c runup -n "__fish_runup_needs_command" -s V -l version -d 'Print version'
complete -c runup -n "__fish_runup_needs_command" -a "check" -d 'Do all of a run but start the command, and print a report'
complete -c runup -n "__fish_runup_needs_command" -a "env" -d 'Print the environment that the command would get'
complete -c runup -n "__fish_runup_needs_command" -a "route" -d 'Print which way every HTTP client would send a URL, before and after the mend'
complete -c runup -n "__fish_runup_needs_command" -a "token" -d 'Print a token of the metadata server, for scripts that use curl'
complete -c runup -n "__fish_runup_needs_command" -a "explain" -d 'Print what a finding means and who can mend it; without CODE, all there are'
complete -c runup -n "__fish_runup_needs_command" -a "emulate" -d 'Serve an emulated metadata server on loopback'
complete -c runup -n "__fish_runup_needs_command" -a "copy" -d 'Copy this program to DIR/runup, as an init container does for the job\'s container'
complete -c runup -n "__fish_runup_needs_command" -a "completions" -d 'Print what a shell needs to complete the words of runup'
complete -c runup -n "__fish_runup_needs_command" -a "man" -d 'Print the manual page'
complete -c runup -n "__fish_runup_using_subcommand check" -l format -d 'The form of the report on stdout' -r -f -a "text\t'For people'
json\t'For programs; docs/report.schema.json describes it'
mermaid\t'A flowchart of what is reached how, for a ticket'
junit\t'Test results in XML, for pipelines'"
complete -c runup -n "__fish_runup_using_subcommand check" -l require -d 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l want -d 'What should answer: a warning where it does not' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l require-variable -d 'A variable that must be set and not empty' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l require-permission -d 'An IAM permission that the service account must hold on its project, as compute.instances.list' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l require-api -d 'A Google API\'s host that must answer, as compute.googleapis.com' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l service-account -d 'The identity that the metadata server must give' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l metadata -d 'Whether the metadata server must answer [default: require]' -r -f -a "require\t'The command is not started without it'
want\t'A warning where it is missing'
off\t'It is not asked for'"
complete -c runup -n "__fish_runup_using_subcommand check" -l proxy -d 'What to do with the proxy variables [default: mend]' -r -f -a "mend\t'Make all clients agree'
bypass\t'Touch NO_PROXY and no_proxy only'
strip\t'Take every proxy variable out'
keep\t'Change nothing, report only'"
complete -c runup -n "__fish_runup_using_subcommand check" -l direct -d 'A host, .domain, address or network that must never go through the proxy' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l java -d 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand check" -l ca-file -d 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command' -r -F
complete -c runup -n "__fish_runup_using_subcommand check" -l timeout -d 'The time for all checks together [default: 120s]' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l attempt-timeout -d 'The time for one attempt of one check [default: 5s]' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l backoff-initial -d 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l backoff-max -d 'The upper bound of any pause [default: 5s]' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l splay -d 'Over how long the first attempts of a job\'s tasks are spread, by task number and chance; inside the timeout [default: 0s]' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l on-failure -d 'What to do when something required failed [default: abort]' -r -f -a "abort\t'The command is not started'
warn\t'The command is started all the same'"
complete -c runup -n "__fish_runup_using_subcommand check" -l ignore -d 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l strict -d 'Take warnings for errors; `--on-failure warn` has the last word' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand check" -l report -d 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others' -r -F
complete -c runup -n "__fish_runup_using_subcommand check" -l init -d 'Stay as the command\'s parent: forward signals, reap orphans, keep the exit code' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand check" -l init-group -d 'The same, with the command in a process group of its own, which gets the signals' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand check" -l grace -d 'With --init: kill the command so long after a SIGTERM [default: never]' -r
complete -c runup -n "__fish_runup_using_subcommand check" -l emulate -d 'Run against an embedded metadata server; runup stays as the command\'s parent, as with --init' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand check" -l log-format -d 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]' -r -f -a "auto\t'JSON on Cloud Run and GKE, text elsewhere'
text\t'For people'
json\t'One object a line, as Cloud Logging reads it'"
complete -c runup -n "__fish_runup_using_subcommand check" -s q -l quiet -d 'Say nothing when all is well' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand check" -s v -l verbose -d 'Say more: the edits and the attempts; twice, the requests too'
complete -c runup -n "__fish_runup_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c runup -n "__fish_runup_using_subcommand env" -l format -d 'The form: sh is for `eval "$(runup env)"` and holds the changes alone' -r -f -a "sh\t'Commands for a POSIX shell'
dotenv\t'NAME=VALUE lines'
json\t'One JSON object'"
complete -c runup -n "__fish_runup_using_subcommand env" -l require -d 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l want -d 'What should answer: a warning where it does not' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l require-variable -d 'A variable that must be set and not empty' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l require-permission -d 'An IAM permission that the service account must hold on its project, as compute.instances.list' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l require-api -d 'A Google API\'s host that must answer, as compute.googleapis.com' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l service-account -d 'The identity that the metadata server must give' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l metadata -d 'Whether the metadata server must answer [default: require]' -r -f -a "require\t'The command is not started without it'
want\t'A warning where it is missing'
off\t'It is not asked for'"
complete -c runup -n "__fish_runup_using_subcommand env" -l proxy -d 'What to do with the proxy variables [default: mend]' -r -f -a "mend\t'Make all clients agree'
bypass\t'Touch NO_PROXY and no_proxy only'
strip\t'Take every proxy variable out'
keep\t'Change nothing, report only'"
complete -c runup -n "__fish_runup_using_subcommand env" -l direct -d 'A host, .domain, address or network that must never go through the proxy' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l java -d 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand env" -l ca-file -d 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command' -r -F
complete -c runup -n "__fish_runup_using_subcommand env" -l timeout -d 'The time for all checks together [default: 120s]' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l attempt-timeout -d 'The time for one attempt of one check [default: 5s]' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l backoff-initial -d 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l backoff-max -d 'The upper bound of any pause [default: 5s]' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l splay -d 'Over how long the first attempts of a job\'s tasks are spread, by task number and chance; inside the timeout [default: 0s]' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l on-failure -d 'What to do when something required failed [default: abort]' -r -f -a "abort\t'The command is not started'
warn\t'The command is started all the same'"
complete -c runup -n "__fish_runup_using_subcommand env" -l ignore -d 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l strict -d 'Take warnings for errors; `--on-failure warn` has the last word' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand env" -l report -d 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others' -r -F
complete -c runup -n "__fish_runup_using_subcommand env" -l init -d 'Stay as the command\'s parent: forward signals, reap orphans, keep the exit code' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand env" -l init-group -d 'The same, with the command in a process group of its own, which gets the signals' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand env" -l grace -d 'With --init: kill the command so long after a SIGTERM [default: never]' -r
complete -c runup -n "__fish_runup_using_subcommand env" -l emulate -d 'Run against an embedded metadata server; runup stays as the command\'s parent, as with --init' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand env" -l log-format -d 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]' -r -f -a "auto\t'JSON on Cloud Run and GKE, text elsewhere'
text\t'For people'
json\t'One object a line, as Cloud Logging reads it'"
complete -c runup -n "__fish_runup_using_subcommand env" -s q -l quiet -d 'Say nothing when all is well' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand env" -l diff -d 'Print what is changed, and why, without secrets'
complete -c runup -n "__fish_runup_using_subcommand env" -s v -l verbose -d 'Say more: the edits and the attempts; twice, the requests too'
complete -c runup -n "__fish_runup_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c runup -n "__fish_runup_using_subcommand route" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c runup -n "__fish_runup_using_subcommand route" -l proxy -d 'What to do with the proxy variables [default: mend]' -r -f -a "mend\t'Make all clients agree'
bypass\t'Touch NO_PROXY and no_proxy only'
strip\t'Take every proxy variable out'
keep\t'Change nothing, report only'"
complete -c runup -n "__fish_runup_using_subcommand route" -l direct -d 'A host, .domain, address or network that must never go through the proxy' -r
complete -c runup -n "__fish_runup_using_subcommand route" -l java -d 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr' -r -f -a "true\t''
false\t''"
complete -c runup -n "__fish_runup_using_subcommand route" -l ca-file -d 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command' -r -F
complete -c runup -n "__fish_runup_using_subcommand route" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c runup -n "__fish_runup_using_subcommand token" -l identity -d 'Print an identity token for this audience instead, the URL of a Cloud Run service as a rule' -r
complete -c runup -n "__fish_runup_using_subcommand token" -l service-account -d 'The service account whose token it must be' -r
complete -c runup -n "__fish_runup_using_subcommand token" -l timeout -d 'The time for all attempts [default: 120s]' -r
complete -c runup -n "__fish_runup_using_subcommand token" -s h -l help -d 'Print help'
complete -c runup -n "__fish_runup_using_subcommand explain" -s h -l help -d 'Print help'
complete -c runup -n "__fish_runup_using_subcommand emulate" -l listen -d 'Where to listen; port 0 takes any free port' -r
complete -c runup -n "__fish_runup_using_subcommand emulate" -l service-account -d 'The service account to play' -r
complete -c runup -n "__fish_runup_using_subcommand emulate" -s h -l help -d 'Print help'
complete -c runup -n "__fish_runup_using_subcommand copy" -s h -l help -d 'Print help'
complete -c runup -n "__fish_runup_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c runup -n "__fish_runup_using_subcommand man" -s h -l help -d 'Print help'
