# Asks each URL by each of Perl's libraries, at URL/NAME. What comes of it is seen at the other end.
use strict;
use warnings;

use HTTP::Tiny;
use LWP::UserAgent;

my $limit = 20;

my %ways = (
    'http-tiny' => sub { HTTP::Tiny->new( timeout => $limit, verify_SSL => 0 ) },
    'lwp'       => sub {
        LWP::UserAgent->new(
            env_proxy => 1,
            timeout   => $limit,
            ssl_opts  => { verify_hostname => 0, SSL_verify_mode => 0 },
        );
    },
);

for my $name ( sort keys %ways ) {
    my $agent = eval { $ways{$name}->() } or warn "$name $@" and next;
    for my $url (@ARGV) {
        eval { $agent->get("$url/$name"); 1 } or warn "$name $url $@";
    }
}
