//! Names to addresses by getaddrinfo, as the command's own clients will do it.

pub mod files;

use std::net::{IpAddr, SocketAddr};

use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType};
use tokio::task::spawn_blocking;

use self::files::{Resolvers, is_in_hosts};
use crate::failure::{Failure, FailureKind, Phase};
use crate::net::{Progress, connect};

/// All addresses of `host`, in the order of the system's preference.
///
/// # Errors
/// [`FailureKind::NameUnknown`] or [`FailureKind::ResolverFailed`], told apart by the EAI code that std loses.
pub async fn resolve(
    host: &str,
    port: u16,
    progress: &Progress,
) -> Result<Vec<SocketAddr>, Failure> {
    let bare = connect::bare(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let resolvers = Resolvers::read();
    progress.enter(
        Phase::Resolve,
        format!("the resolver ({resolvers}; asked for `{host}`)"),
    );
    pin_name_service();
    let name = host.to_owned();
    let answer = spawn_blocking(move || lookup(&name)).await;
    let failed = |kind, why: String| {
        let hosts = match is_in_hosts(host) {
            true => "/etc/hosts lists it, but with no address that could be used",
            false => "/etc/hosts does not list it",
        };
        let saw = format!("`{host}`: {why}; {resolvers}; {hosts}");
        Err(Failure::new(Phase::Resolve, kind, saw))
    };
    match answer {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect()),
        Ok(Ok(_)) => failed(FailureKind::NameUnknown, "no address".to_owned()),
        Ok(Err(error)) => match error.kind() {
            LookupErrorKind::NoName => {
                failed(FailureKind::NameUnknown, "no such name (EAI_NONAME)".into())
            }
            LookupErrorKind::NoData => failed(
                FailureKind::NameUnknown,
                "the name has no address (EAI_NODATA)".into(),
            ),
            LookupErrorKind::Again => failed(
                FailureKind::ResolverFailed,
                "no answer from the name server (EAI_AGAIN)".into(),
            ),
            LookupErrorKind::Fail => failed(
                FailureKind::ResolverFailed,
                "the name server refused or failed (EAI_FAIL)".into(),
            ),
            other => failed(FailureKind::ResolverFailed, format!("{other:?}")),
        },
        Err(_) => failed(FailureKind::ResolverFailed, "the resolver was ended".into()),
    }
}

/// What getaddrinfo knows of `name`.
///
/// musl takes a name for unknown where the name server denies one kind of its addresses, as careless ones do with IPv6;
/// glibc, which most of the command's clients come with, then takes the other kind.
fn lookup(name: &str) -> Result<Vec<IpAddr>, LookupError> {
    match lookup_family(name, None) {
        Err(error)
            if cfg!(target_env = "musl") && matches!(error.kind(), LookupErrorKind::NoName) =>
        {
            [AddrFamily::Inet, AddrFamily::Inet6]
                .into_iter()
                .find_map(|family| lookup_family(name, Some(family)).ok())
                .ok_or(error)
        }
        answer => answer,
    }
}

fn lookup_family(name: &str, family: Option<AddrFamily>) -> Result<Vec<IpAddr>, LookupError> {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: family.map_or(0, i32::from),
        ..AddrInfoHints::default()
    };
    let found = dns_lookup::getaddrinfo(Some(name), None, Some(hints))?;
    Ok(found
        .filter_map(Result::ok)
        .map(|info| info.sockaddr.ip())
        .collect())
}

/// Pins the name service of a static glibc binary to files and DNS, before the first name is looked up.
///
/// Such a binary would otherwise load the image's NSS modules, and where these are of another glibc it dies with SIGFPE
/// at the first unknown name (rust-lang/rust#100711; seen with the nsswitch.conf of UBI, Fedora and Debian 13). A
/// dynamic or musl binary needs nothing.
fn pin_name_service() {
    #[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
    {
        static PINNED: std::sync::Once = std::sync::Once::new();
        PINNED.call_once(|| {
            #[expect(unsafe_code, reason = "glibc's own switch has no safe binding")]
            // SAFETY: both strings are static and NUL-terminated, and glibc copies them. Names are looked up here only,
            // each after this, so no other thread reads the switch meanwhile.
            unsafe {
                __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr());
            }
        });
    }
}

#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
#[expect(unsafe_code, reason = "the declaration in glibc's <nss.h>")]
unsafe extern "C" {
    fn __nss_configure_lookup(
        database: *const std::ffi::c_char,
        services: *const std::ffi::c_char,
    ) -> std::ffi::c_int;
}
