
use builtin;
use str;

set edit:completion:arg-completer[runup] = {|@words|
fn spaces {|n|
builtin:repeat $n ' ' | str:join ''
}
fn cand {|text desc|
edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
}
var command = 'runup'
for word $words[1..-1] {
if (str:has-prefix $word '-') {
break
}
set command = $command';'$word
}
var completions = [
&'runup'= {
cand --require 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s'
cand --want 'What should answer: a warning where it does not'
cand --require-variable 'A variable that must be set and not empty'
cand --require-permission 'An IAM permission that the service account must hold on its project, as compute.instances.list'
cand --require-api 'A Google API''s host that must answer, as compute.googleapis.com'
cand --service-account 'The identity that the metadata server must give'
cand --metadata 'Whether the metadata server must answer [default: require]'
cand --proxy 'What to do with the proxy variables [default: mend]'
cand --direct 'A host, .domain, address or network that must never go through the proxy'
cand --java 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr'
cand --ca-file 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command'
cand --timeout 'The time for all checks together [default: 120s]'
cand --attempt-timeout 'The time for one attempt of one check [default: 5s]'
cand --backoff-initial 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]'
cand --backoff-max 'The upper bound of any pause [default: 5s]'
cand --splay 'Over how long the first attempts of a job''s tasks are spread, by task number and chance; inside the timeout [default: 0s]'
cand --on-failure 'What to do when something required failed [default: abort]'
cand --ignore 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do'
cand --strict 'Take warnings for errors; `--on-failure warn` has the last word'
cand --report 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others'
cand --init 'Stay as the command''s parent: forward signals, reap orphans, keep the exit code'
cand --init-group 'The same, with the command in a process group of its own, which gets the signals'
cand --grace 'With --init: kill the command so long after a SIGTERM [default: never]'
cand --emulate 'Run against an embedded metadata server; runup stays as the command''s parent, as with --init'
cand --log-format 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]'
cand -q 'Say nothing when all is well'
cand --quiet 'Say nothing when all is well'
cand -v 'Say more: the edits and the attempts; twice, the requests too'
cand --verbose 'Say more: the edits and the attempts; twice, the requests too'
cand -h 'Print help (see more with ''--help'')'
cand --help 'Print help (see more with ''--help'')'
cand -V 'Print version'
cand --version 'Print version'
cand check 'Do all of a run but start the command, and print a report'
cand env 'Print the environment that the command would get'
cand route 'Print which way every HTTP client would send a URL, before and after the mend'
cand token 'Print a token of the metadata server, for scripts that use curl'
cand explain 'Print what a finding means and who can mend it; without CODE, all there are'
cand emulate 'Serve an emulated metadata server on loopback'
cand copy 'Copy this program to DIR/runup, as an init container does for the job''s container'
cand completions 'Print what a shell needs to complete the words of runup'
cand man 'Print the manual page'
}
&'runup;check'= {
cand --format 'The form of the report on stdout'
cand --require 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s'
cand --want 'What should answer: a warning where it does not'
cand --require-variable 'A variable that must be set and not empty'
cand --require-permission 'An IAM permission that the service account must hold on its project, as compute.instances.list'
cand --require-api 'A Google API''s host that must answer, as compute.googleapis.com'
cand --service-account 'The identity that the metadata server must give'
cand --metadata 'Whether the metadata server must answer [default: require]'
cand --proxy 'What to do with the proxy variables [default: mend]'
cand --direct 'A host, .domain, address or network that must never go through the proxy'
cand --java 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr'
cand --ca-file 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command'
cand --timeout 'The time for all checks together [default: 120s]'
cand --attempt-timeout 'The time for one attempt of one check [default: 5s]'
cand --backoff-initial 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]'
cand --backoff-max 'The upper bound of any pause [default: 5s]'
cand --splay 'Over how long the first attempts of a job''s tasks are spread, by task number and chance; inside the timeout [default: 0s]'
cand --on-failure 'What to do when something required failed [default: abort]'
cand --ignore 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do'
cand --strict 'Take warnings for errors; `--on-failure warn` has the last word'
cand --report 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others'
cand --init 'Stay as the command''s parent: forward signals, reap orphans, keep the exit code'
cand --init-group 'The same, with the command in a process group of its own, which gets the signals'
cand --grace 'With --init: kill the command so long after a SIGTERM [default: never]'
cand --emulate 'Run against an embedded metadata server; runup stays as the command''s parent, as with --init'
cand --log-format 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]'
cand -q 'Say nothing when all is well'
cand --quiet 'Say nothing when all is well'
cand -v 'Say more: the edits and the attempts; twice, the requests too'
cand --verbose 'Say more: the edits and the attempts; twice, the requests too'
cand -h 'Print help (see more with ''--help'')'
cand --help 'Print help (see more with ''--help'')'
}
&'runup;env'= {
cand --format 'The form: sh is for `eval "$(runup env)"` and holds the changes alone'
cand --require 'What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name, proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s'
cand --want 'What should answer: a warning where it does not'
cand --require-variable 'A variable that must be set and not empty'
cand --require-permission 'An IAM permission that the service account must hold on its project, as compute.instances.list'
cand --require-api 'A Google API''s host that must answer, as compute.googleapis.com'
cand --service-account 'The identity that the metadata server must give'
cand --metadata 'Whether the metadata server must answer [default: require]'
cand --proxy 'What to do with the proxy variables [default: mend]'
cand --direct 'A host, .domain, address or network that must never go through the proxy'
cand --java 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr'
cand --ca-file 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command'
cand --timeout 'The time for all checks together [default: 120s]'
cand --attempt-timeout 'The time for one attempt of one check [default: 5s]'
cand --backoff-initial 'The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]'
cand --backoff-max 'The upper bound of any pause [default: 5s]'
cand --splay 'Over how long the first attempts of a job''s tasks are spread, by task number and chance; inside the timeout [default: 0s]'
cand --on-failure 'What to do when something required failed [default: abort]'
cand --ignore 'The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do'
cand --strict 'Take warnings for errors; `--on-failure warn` has the last word'
cand --report 'Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others'
cand --init 'Stay as the command''s parent: forward signals, reap orphans, keep the exit code'
cand --init-group 'The same, with the command in a process group of its own, which gets the signals'
cand --grace 'With --init: kill the command so long after a SIGTERM [default: never]'
cand --emulate 'Run against an embedded metadata server; runup stays as the command''s parent, as with --init'
cand --log-format 'How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]'
cand -q 'Say nothing when all is well'
cand --quiet 'Say nothing when all is well'
cand --diff 'Print what is changed, and why, without secrets'
cand -v 'Say more: the edits and the attempts; twice, the requests too'
cand --verbose 'Say more: the edits and the attempts; twice, the requests too'
cand -h 'Print help (see more with ''--help'')'
cand --help 'Print help (see more with ''--help'')'
}
&'runup;route'= {
cand --format 'The form'
cand --proxy 'What to do with the proxy variables [default: mend]'
cand --direct 'A host, .domain, address or network that must never go through the proxy'
cand --java 'Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr'
cand --ca-file 'A corporate CA in PEM, for the checks and, with the public roots, for every client of the command'
cand -h 'Print help (see more with ''--help'')'
cand --help 'Print help (see more with ''--help'')'
}
&'runup;token'= {
cand --identity 'Print an identity token for this audience instead, the URL of a Cloud Run service as a rule'
cand --service-account 'The service account whose token it must be'
cand --timeout 'The time for all attempts [default: 120s]'
cand -h 'Print help'
cand --help 'Print help'
}
&'runup;explain'= {
cand -h 'Print help'
cand --help 'Print help'
}
&'runup;emulate'= {
cand --listen 'Where to listen; port 0 takes any free port'
cand --service-account 'The service account to play'
cand -h 'Print help'
cand --help 'Print help'
}
&'runup;copy'= {
cand -h 'Print help'
cand --help 'Print help'
}
&'runup;completions'= {
cand -h 'Print help (see more with ''--help'')'
cand --help 'Print help (see more with ''--help'')'
}
&'runup;man'= {
cand -h 'Print help'
cand --help 'Print help'
}
]
$completions[$command]
}
