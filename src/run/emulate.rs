//! `runup emulate`.

use std::net::SocketAddr;

use super::failed_to;
use super::waiting::{block_on, ended_by_signal};
use crate::exit_code::ExitCode;
use crate::log::{Console, Entry, Severity};
use crate::metadata::emulator::{Emulator, Identity};

/// Serves the emulator until a signal ends it.
pub fn emulate(listen: SocketAddr, service_account: Option<String>, console: &Console) -> ExitCode {
    let served = block_on(async {
        let emulator = Emulator::bind(listen, identity(service_account)).await?;
        let address = emulator.address()?;
        console.say(&Entry::new(
            Severity::Info,
            format!("emulated metadata server on {address}: export GCE_METADATA_HOST={address} GCE_METADATA_ROOT={address} GCE_METADATA_IP={address}"),
        ));
        tokio::select! {
            ended = emulator.serve() => match ended {
                Ok(never) => match never {},
                Err(error) => Err(error),
            },
            code = ended_by_signal() => Ok(code),
        }
    });
    match served.and_then(|served| served) {
        Ok(code) => code,
        Err(error) => failed_to(&format!("listen on `{listen}`"), &error, console),
    }
}

/// Whom the emulator plays.
pub fn identity(service_account: Option<String>) -> Identity {
    let mut identity = Identity::default();
    if let Some(email) = service_account {
        identity.email = email;
    }
    identity
}
