//! The few facts of an ELF file that decide whether the kernel can start it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// How an ELF file begins.
pub(super) const MAGIC: &[u8] = b"\x7fELF";

const ET_EXEC: u64 = 2;
const ET_DYN: u64 = 3;
const PT_INTERP: u64 = 3;

/// What this binary was built for, and what it needs.
#[derive(Debug)]
pub(super) struct Image {
    /// `e_machine`.
    pub(super) machine: u64,
    /// The dynamic loader in `PT_INTERP`; `None` where it is linked statically.
    pub(super) loader: Option<PathBuf>,
}

/// Reads the header and the program headers; `None` where this is no program, or is cut short.
pub(super) fn read(file: &File) -> io::Result<Option<Image>> {
    match read_fields(&Fields::of(file)?) {
        Ok(image) => Ok(image),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_fields(fields: &Fields) -> io::Result<Option<Image>> {
    let wide = fields.wide;
    if !matches!(fields.number(16, 2)?, ET_EXEC | ET_DYN) {
        return Ok(None);
    }
    let machine = fields.number(18, 2)?;
    let (table, size, count) = match wide {
        true => (
            fields.number(32, 8)?,
            fields.number(54, 2)?,
            fields.number(56, 2)?,
        ),
        false => (
            fields.number(28, 4)?,
            fields.number(42, 2)?,
            fields.number(44, 2)?,
        ),
    };
    // A table that is cut short fails here, whatever is looked for in it.
    fields.bytes(table.saturating_add(count * size).saturating_sub(1), 1)?;
    for header in (0..count).map(|index| table.saturating_add(index * size)) {
        if fields.number(header, 4)? == PT_INTERP {
            let (offset, length) = match wide {
                true => (
                    fields.number(header + 8, 8)?,
                    fields.number(header + 32, 8)?,
                ),
                false => (
                    fields.number(header + 4, 4)?,
                    fields.number(header + 16, 4)?,
                ),
            };
            // The kernel takes no longer path.
            if length > 4096 {
                return Ok(None);
            }
            let path = fields.bytes(offset, length as usize)?;
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            let loader = Some(OsStr::from_bytes(path).into());
            return Ok(Some(Image { machine, loader }));
        }
    }
    let loader = None;
    Ok(Some(Image { machine, loader }))
}

/// A file of numbers, in the width and byte order that its own header tells.
struct Fields<'a> {
    file: &'a File,
    wide: bool,
    big_endian: bool,
}

impl<'a> Fields<'a> {
    fn of(file: &'a File) -> io::Result<Self> {
        let mut fields = Self {
            file,
            wide: false,
            big_endian: false,
        };
        if let [class, data] = fields.bytes(4, 2).unwrap_or_default()[..] {
            fields.wide = class == 2;
            fields.big_endian = data == 2;
        }
        Ok(fields)
    }

    fn bytes(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn number(&self, offset: u64, length: usize) -> io::Result<u64> {
        let mut bytes = self.bytes(offset, length)?;
        if !self.big_endian {
            bytes.reverse();
        }
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// A machine's name as image platforms spell it (`linux/amd64`).
pub(super) fn platform(machine: u64) -> String {
    match machine {
        3 => "386".to_owned(),
        21 => "ppc64le".to_owned(),
        22 => "s390x".to_owned(),
        40 => "arm".to_owned(),
        62 => "amd64".to_owned(),
        183 => "arm64".to_owned(),
        243 => "riscv64".to_owned(),
        other => format!("ELF machine {other}"),
    }
}

/// The machines whose programs a kernel may run that runs this one; `None` where that is not known here.
pub(super) fn native() -> Option<&'static [u64]> {
    match std::env::consts::ARCH {
        "x86_64" => Some(&[62, 3]),
        "aarch64" => Some(&[183, 40]),
        _ => None,
    }
}
