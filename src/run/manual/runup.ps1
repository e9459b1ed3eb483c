
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'runup' -ScriptBlock {
param($wordToComplete, $commandAst, $cursorPosition)

$commandElements = $commandAst.CommandElements
$command = @(
'runup'
for ($i = 1; $i -lt $commandElements.Count; $i++) {
$element = $commandElements[$i]
if ($element -isnot [StringConstantExpressionAst] -or
$element.StringConstantType -ne [StringConstantType]::BareWord -or
$element.Value.StartsWith('-') -or
$element.Value -eq $wordToComplete) {
break
}
$element.Value
}) -join ';'

$completions = @(switch ($command) {
'runup' {
[CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s')
[CompletionResult]::new('--want', '--want', [CompletionResultType]::ParameterName, 'What should answer: a warning where it does not')
[CompletionResult]::new('--require-variable', '--require-variable', [CompletionResultType]::ParameterName, 'A variable that must be set and not empty')
[CompletionResult]::new('--require-permission', '--require-permission', [CompletionResultType]::ParameterName, 'An IAM permission that the service account must hold on its project, as compute.instances.list')
[CompletionResult]::new('--require-api', '--require-api', [CompletionResultType]::ParameterName, 'A Google API''s host that must answer, as compute.googleapis.com')
[CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'The identity that the metadata server must give')
[CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Whether the metadata server must answer [default: require]')
[CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'What to do with the proxy variables [default: mend]')
[CompletionResult]::new('--direct', '--direct', [CompletionResultType]::ParameterName, 'A host, .domain, address or network that must never go through the proxy')
[CompletionResult]::new('--java', '--java', [CompletionResultType]::ParameterName, 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr')
[CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command')
[CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for all checks together [default: 120s]')
[CompletionResult]::new('--attempt-timeout', '--attempt-timeout', [CompletionResultType]::ParameterName, 'The time for one attempt of one check [default: 5s]')
[CompletionResult]::new('--backoff-initial', '--backoff-initial', [CompletionResultType]::ParameterName, 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]')
[CompletionResult]::new('--backoff-max', '--backoff-max', [CompletionResultType]::ParameterName, 'The upper bound of any pause [default: 5s]')
[CompletionResult]::new('--splay', '--splay', [CompletionResultType]::ParameterName, 'Over how long the first attempts of a job''s tasks are spread, by task number and chance; inside the timeout [default: 0s]')
[CompletionResult]::new('--on-failure', '--on-failure', [CompletionResultType]::ParameterName, 'What to do when something required failed [default: abort]')
[CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do')
[CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Take warnings for errors; `--on-failure warn` has the last word')
[CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others')
[CompletionResult]::new('--init', '--init', [CompletionResultType]::ParameterName, 'Stay as the command''s parent: forward signals, reap orphans, keep the exit code')
[CompletionResult]::new('--init-group', '--init-group', [CompletionResultType]::ParameterName, 'The same, with the command in a process group of its own, which gets the signals')
[CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'With --init: kill the command so long after a SIGTERM [default: never]')
[CompletionResult]::new('--emulate', '--emulate', [CompletionResultType]::ParameterName, 'Run against an embedded metadata server; runup stays as the command''s parent, as with --init')
[CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]')
[CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing when all is well')
[CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing when all is well')
[CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the edits and the attempts; twice, the requests too')
[CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the edits and the attempts; twice, the requests too')
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
[CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
[CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
[CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Do all of a run but start the command, and print a report')
[CompletionResult]::new('env', 'env', [CompletionResultType]::ParameterValue, 'Print the environment that the command would get')
[CompletionResult]::new('route', 'route', [CompletionResultType]::ParameterValue, 'Print which way every HTTP client would send a URL, before and after the mend')
[CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Print a token of the metadata server, for scripts that use curl')
[CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Print what a finding means and who can mend it; without CODE, all there are')
[CompletionResult]::new('emulate', 'emulate', [CompletionResultType]::ParameterValue, 'Serve an emulated metadata server on loopback')
[CompletionResult]::new('copy', 'copy', [CompletionResultType]::ParameterValue, 'Copy this program to DIR/runup, as an init container does for the job''s container')
[CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what a shell needs to complete the words of runup')
[CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page')
break
}
'runup;check' {
[CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The form of the report on stdout')
[CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s')
[CompletionResult]::new('--want', '--want', [CompletionResultType]::ParameterName, 'What should answer: a warning where it does not')
[CompletionResult]::new('--require-variable', '--require-variable', [CompletionResultType]::ParameterName, 'A variable that must be set and not empty')
[CompletionResult]::new('--require-permission', '--require-permission', [CompletionResultType]::ParameterName, 'An IAM permission that the service account must hold on its project, as compute.instances.list')
[CompletionResult]::new('--require-api', '--require-api', [CompletionResultType]::ParameterName, 'A Google API''s host that must answer, as compute.googleapis.com')
[CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'The identity that the metadata server must give')
[CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Whether the metadata server must answer [default: require]')
[CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'What to do with the proxy variables [default: mend]')
[CompletionResult]::new('--direct', '--direct', [CompletionResultType]::ParameterName, 'A host, .domain, address or network that must never go through the proxy')
[CompletionResult]::new('--java', '--java', [CompletionResultType]::ParameterName, 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr')
[CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command')
[CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for all checks together [default: 120s]')
[CompletionResult]::new('--attempt-timeout', '--attempt-timeout', [CompletionResultType]::ParameterName, 'The time for one attempt of one check [default: 5s]')
[CompletionResult]::new('--backoff-initial', '--backoff-initial', [CompletionResultType]::ParameterName, 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]')
[CompletionResult]::new('--backoff-max', '--backoff-max', [CompletionResultType]::ParameterName, 'The upper bound of any pause [default: 5s]')
[CompletionResult]::new('--splay', '--splay', [CompletionResultType]::ParameterName, 'Over how long the first attempts of a job''s tasks are spread, by task number and chance; inside the timeout [default: 0s]')
[CompletionResult]::new('--on-failure', '--on-failure', [CompletionResultType]::ParameterName, 'What to do when something required failed [default: abort]')
[CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do')
[CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Take warnings for errors; `--on-failure warn` has the last word')
[CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others')
[CompletionResult]::new('--init', '--init', [CompletionResultType]::ParameterName, 'Stay as the command''s parent: forward signals, reap orphans, keep the exit code')
[CompletionResult]::new('--init-group', '--init-group', [CompletionResultType]::ParameterName, 'The same, with the command in a process group of its own, which gets the signals')
[CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'With --init: kill the command so long after a SIGTERM [default: never]')
[CompletionResult]::new('--emulate', '--emulate', [CompletionResultType]::ParameterName, 'Run against an embedded metadata server; runup stays as the command''s parent, as with --init')
[CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]')
[CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing when all is well')
[CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing when all is well')
[CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the edits and the attempts; twice, the requests too')
[CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the edits and the attempts; twice, the requests too')
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
break
}
'runup;env' {
[CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The form: sh is for `eval "$(runup env)"` and holds the changes alone')
[CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s')
[CompletionResult]::new('--want', '--want', [CompletionResultType]::ParameterName, 'What should answer: a warning where it does not')
[CompletionResult]::new('--require-variable', '--require-variable', [CompletionResultType]::ParameterName, 'A variable that must be set and not empty')
[CompletionResult]::new('--require-permission', '--require-permission', [CompletionResultType]::ParameterName, 'An IAM permission that the service account must hold on its project, as compute.instances.list')
[CompletionResult]::new('--require-api', '--require-api', [CompletionResultType]::ParameterName, 'A Google API''s host that must answer, as compute.googleapis.com')
[CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'The identity that the metadata server must give')
[CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Whether the metadata server must answer [default: require]')
[CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'What to do with the proxy variables [default: mend]')
[CompletionResult]::new('--direct', '--direct', [CompletionResultType]::ParameterName, 'A host, .domain, address or network that must never go through the proxy')
[CompletionResult]::new('--java', '--java', [CompletionResultType]::ParameterName, 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr')
[CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command')
[CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for all checks together [default: 120s]')
[CompletionResult]::new('--attempt-timeout', '--attempt-timeout', [CompletionResultType]::ParameterName, 'The time for one attempt of one check [default: 5s]')
[CompletionResult]::new('--backoff-initial', '--backoff-initial', [CompletionResultType]::ParameterName, 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]')
[CompletionResult]::new('--backoff-max', '--backoff-max', [CompletionResultType]::ParameterName, 'The upper bound of any pause [default: 5s]')
[CompletionResult]::new('--splay', '--splay', [CompletionResultType]::ParameterName, 'Over how long the first attempts of a job''s tasks are spread, by task number and chance; inside the timeout [default: 0s]')
[CompletionResult]::new('--on-failure', '--on-failure', [CompletionResultType]::ParameterName, 'What to do when something required failed [default: abort]')
[CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do')
[CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Take warnings for errors; `--on-failure warn` has the last word')
[CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others')
[CompletionResult]::new('--init', '--init', [CompletionResultType]::ParameterName, 'Stay as the command''s parent: forward signals, reap orphans, keep the exit code')
[CompletionResult]::new('--init-group', '--init-group', [CompletionResultType]::ParameterName, 'The same, with the command in a process group of its own, which gets the signals')
[CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'With --init: kill the command so long after a SIGTERM [default: never]')
[CompletionResult]::new('--emulate', '--emulate', [CompletionResultType]::ParameterName, 'Run against an embedded metadata server; runup stays as the command''s parent, as with --init')
[CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]')
[CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing when all is well')
[CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing when all is well')
[CompletionResult]::new('--diff', '--diff', [CompletionResultType]::ParameterName, 'Print what is changed, and why, without secrets')
[CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more: the edits and the attempts; twice, the requests too')
[CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more: the edits and the attempts; twice, the requests too')
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
break
}
'runup;route' {
[CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The form')
[CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'What to do with the proxy variables [default: mend]')
[CompletionResult]::new('--direct', '--direct', [CompletionResultType]::ParameterName, 'A host, .domain, address or network that must never go through the proxy')
[CompletionResult]::new('--java', '--java', [CompletionResultType]::ParameterName, 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr')
[CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command')
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
break
}
'runup;token' {
[CompletionResult]::new('--identity', '--identity', [CompletionResultType]::ParameterName, 'Print an identity token for this audience instead, the URL of a Cloud Run service as a rule')
[CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'The service account whose token it must be')
[CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The time for all attempts [default: 120s]')
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
break
}
'runup;explain' {
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
break
}
'runup;emulate' {
[CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen; port 0 takes any free port')
[CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'The service account to play')
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
break
}
'runup;copy' {
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
break
}
'runup;completions' {
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
break
}
'runup;man' {
[CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
[CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
break
}
})

$completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
Sort-Object -Property ListItemText
}
