//! Can the command start? It is looked up as a shell does, and read as the kernel will read it: so that a missing
//! interpreter is not reported as a missing script. Nothing is run.

mod elf;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, Uid, faccessat};

use crate::cli;
use crate::environment::Environment;

/// Where commands are looked up when PATH is not set (confstr(3), `_CS_PATH`).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// What runs a script without a shebang, as execvp(3) has it.
const SHELL: &str = "/bin/sh";

/// As much of a file as the kernel looks at to tell what it is, in bytes (`BINPRM_BUF_SIZE`).
const HEAD: usize = 256;

/// How many scripts may interpret one another before the kernel says ELOOP.
const SCRIPTS: usize = 5;

/// How many names of a directory are looked through for one that is close to a missing one.
const NAMES: usize = 10_000;

/// A command that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runnable {
    /// What to hand to execve(2): the name where it holds a slash, else where on PATH it is.
    pub path: PathBuf,
    /// How it is run.
    pub kind: Kind,
}

/// What a command is to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A program; or a file that this user may run, but not read, and which is taken for one.
    Binary,
    /// A script that names its interpreter.
    Script {
        /// The interpreter, as the first line has it.
        interpreter: PathBuf,
        /// The rest of the first line, which is one argument.
        argument: Option<OsString>,
    },
    /// A text that the kernel refuses (ENOEXEC) and `/bin/sh` is to run. musl's execvp does not do this by itself.
    NoShebang,
}

/// Why a command cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// There is no such file.
    #[error("{}", not_found(name, searched))]
    NotFound {
        /// What was asked for.
        name: PathBuf,
        /// The directories of PATH; empty for a name with a slash, which is not looked up.
        searched: Vec<PathBuf>,
        /// Where a relative name starts.
        cwd: PathBuf,
        /// Where a link of this name leads in vain.
        dangling: Option<PathBuf>,
        /// A file that may have been meant.
        near: Option<PathBuf>,
    },
    /// It is a directory.
    #[error("`{}` is a directory", path.display())]
    IsDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// This user may not run it.
    #[error("`{}` cannot be run: {reason}", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Why not.
        reason: Refusal,
    },
    /// The interpreter in its first line does not exist.
    #[error("`{}` needs `{}`, which {}", path.display(), interpreter.display(), absence(*on_path))]
    InterpreterMissing {
        /// The script.
        path: PathBuf,
        /// What is missing.
        interpreter: PathBuf,
        /// Whether `env` looks it up on PATH.
        on_path: bool,
        /// Where on PATH an interpreter of this name is.
        elsewhere: Option<PathBuf>,
    },
    /// The interpreter in its first line is there, but cannot be run.
    #[error("the interpreter of `{}` cannot run: {why}", path.display())]
    InterpreterNotExecutable {
        /// The script.
        path: PathBuf,
        /// The interpreter.
        interpreter: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The first line ends in a carriage return, which becomes part of the interpreter's name or argument.
    #[error("the first line of `{}` ends in CR LF, so that it asks for `{}\\r`", path.display(), interpreter.display())]
    CrlfShebang {
        /// The script.
        path: PathBuf,
        /// What the carriage return sticks to.
        interpreter: PathBuf,
    },
    /// A dynamic binary whose loader does not exist, such as one built with glibc on a musl system.
    #[error("`{}` needs the loader `{}`, which does not exist", path.display(), loader.display())]
    LoaderMissing {
        /// The binary.
        path: PathBuf,
        /// Its loader.
        loader: PathBuf,
    },
    /// A binary for other machines.
    #[error("`{}` is built for {is}, and this is {want}", path.display())]
    WrongArchitecture {
        /// The binary.
        path: PathBuf,
        /// What it is built for.
        is: String,
        /// What would run.
        want: String,
    },
    /// Neither a program nor a text.
    #[error("`{}` is no program: {why}", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        why: &'static str,
    },
    /// It cannot be looked at.
    #[error("`{}` cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// Why this user may not run a file that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody may, not even root.
    #[error("it has no execute bit (mode {mode:04o})")]
    NoExecuteBit {
        /// Its permission bits.
        mode: u32,
    },
    /// Others may.
    #[error("user {uid} may not (mode {mode:04o}, owner {owner})")]
    NotForThisUser {
        /// Its permission bits.
        mode: u32,
        /// Who asks.
        uid: u32,
        /// Whose it is.
        owner: u32,
    },
    /// Its file system lets nobody run anything.
    #[error("its file system is mounted noexec")]
    NoexecMount,
    /// It is a pipe, a socket or a device.
    #[error("it is no regular file")]
    NotRegular,
}

impl CommandFault {
    /// The exit code a shell gives: 127 where something is not found, be it the interpreter or the loader; else 126.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. }
            | Self::InterpreterMissing { .. }
            | Self::CrlfShebang { .. }
            | Self::LoaderMissing { .. } => 127,
            Self::IsDirectory { .. }
            | Self::NotExecutable { .. }
            | Self::InterpreterNotExecutable { .. }
            | Self::WrongArchitecture { .. }
            | Self::NotAProgram { .. }
            | Self::Unreadable { .. } => 126,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NotFound {
                name,
                searched,
                cwd,
                dangling,
                near,
            } => {
                let cwd = cwd.display();
                if let Some(target) = dangling {
                    let target = target.display();
                    format!("it is a link to `{target}`: make that exist, or mend the link")
                } else if holds_a_space(name) {
                    "it is one word with spaces in it: give command and arguments each as a word"
                        .to_owned()
                } else if let Some(near) = near {
                    let near = near.display();
                    format!("`{near}` exists: write that (the working directory is `{cwd}`)")
                } else if !searched.is_empty() {
                    let searched = list(searched);
                    let own = match name.to_str().filter(|name| cli::is_subcommand(name)) {
                        Some(word) => format!(
                            "put runup's options behind the word, as in `runup {word} [OPTIONS]`, if its own `{word}` is meant; else "
                        ),
                        None => String::new(),
                    };
                    format!("{own}install it, or add its directory to PATH (searched {searched})")
                } else if name.is_relative() {
                    format!(
                        "the working directory is `{cwd}`: set WORKDIR, or write the path from the root"
                    )
                } else {
                    "copy it into the image, or mend the path".to_owned()
                }
            }
            Self::IsDirectory { path } => format!("name the program inside `{}`", path.display()),
            Self::NotExecutable { path, reason, .. } => reason.help(path),
            Self::InterpreterMissing {
                path,
                interpreter,
                on_path,
                elsewhere,
            } => {
                let (path, name) = (path.display(), interpreter.display());
                match elsewhere {
                    Some(elsewhere) => {
                        let elsewhere = elsewhere.display();
                        format!("it is at `{elsewhere}`: begin `{path}` with `#!{elsewhere}`")
                    }
                    None if *on_path && holds_a_space(interpreter) => {
                        format!("`env` takes this for one name: write `#!/usr/bin/env -S {name}`")
                    }
                    None if *on_path => format!("install `{name}`, or add its directory to PATH"),
                    None => format!(
                        "install `{name}`, or begin `{path}` with an interpreter that the image has"
                    ),
                }
            }
            Self::InterpreterNotExecutable {
                path, interpreter, ..
            } => format!(
                "mend `{}`, or begin `{}` with another interpreter",
                interpreter.display(),
                path.display()
            ),
            Self::CrlfShebang { path, .. } => format!(
                "`sed -i 's/\\r$//' {}`, or dos2unix; `*.sh text eol=lf` in .gitattributes keeps it so",
                path.display()
            ),
            Self::LoaderMissing { loader, .. } => {
                let (built, image) = match loader.to_string_lossy().contains("ld-musl") {
                    true => ("musl", "musl (Alpine)"),
                    false => ("glibc", "glibc (Debian, not Alpine)"),
                };
                format!(
                    "it is built for {built}: take an image with {image}, or link it statically"
                )
            }
            Self::WrongArchitecture { want, .. } => {
                format!("build the image for it: `docker build --platform linux/{want}`")
            }
            Self::NotAProgram { .. } => {
                "name a program or a script, built or saved for Linux".to_owned()
            }
            Self::Unreadable { path, .. } => format!(
                "let this user read `{}` and enter the directories above it",
                path.display()
            ),
        }
    }
}

impl Refusal {
    /// What to do about it, for the file at `path`.
    fn help(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::NoExecuteBit { .. } => format!(
                "`chmod +x {path}` before the image is built, or `COPY --chmod=0755` in the Dockerfile"
            ),
            Self::NotForThisUser { .. } => {
                format!(
                    "`chmod 0755 {path}` when the image is built, or `COPY --chown` to this user"
                )
            }
            Self::NoexecMount => "keep it in the image, or on a mount without noexec".to_owned(),
            Self::NotRegular => "name a program or a script".to_owned(),
        }
    }
}

fn holds_a_space(name: &Path) -> bool {
    name.as_os_str().as_bytes().contains(&b' ')
}

fn not_found(name: &Path, searched: &[PathBuf]) -> String {
    match searched.is_empty() {
        true => format!("`{}` does not exist", name.display()),
        false => format!("`{}` is in no directory of PATH", name.display()),
    }
}

fn absence(on_path: bool) -> &'static str {
    match on_path {
        true => "is in no directory of PATH",
        false => "does not exist",
    }
}

fn list(directories: &[PathBuf]) -> String {
    let directories: Vec<_> = directories
        .iter()
        .map(|directory| format!("`{}`", directory.display()))
        .collect();
    directories.join(", ")
}

/// Finds `program` as a shell in `cwd` would, with the PATH of `environment`, and judges whether it can start.
pub fn find(
    program: &OsStr,
    environment: &Environment,
    cwd: &Path,
) -> Result<Runnable, CommandFault> {
    let path = environment.get("PATH").unwrap_or(OsStr::new(DEFAULT_PATH));
    // A directory without a name is the working directory.
    let directories = path
        .as_bytes()
        .split(|byte| *byte == b':')
        .map(|directory| match directory {
            b"" => PathBuf::from("."),
            name => PathBuf::from(OsStr::from_bytes(name)),
        })
        .collect();
    let finder = Finder { directories, cwd };
    finder.judge(finder.locate(program)?, 0)
}

/// The dynamic loader that a program names; `None` where it is linked statically, or is no program.
///
/// # Errors
/// Where the file cannot be read.
pub fn loader(program: &File) -> io::Result<Option<PathBuf>> {
    Ok(elf::read(program)?.and_then(|image| image.loader))
}

/// Where names are looked up.
struct Finder<'a> {
    directories: Vec<PathBuf>,
    cwd: &'a Path,
}

impl Finder<'_> {
    /// The file that `name` stands for. One that may not be run is remembered while the search goes on.
    fn locate(&self, name: &OsStr) -> Result<PathBuf, CommandFault> {
        if name.as_bytes().contains(&b'/') {
            return Ok(PathBuf::from(name));
        }
        let mut refused = None;
        for directory in self.directories.iter().filter(|_| !name.is_empty()) {
            let candidate = directory.join(name);
            match fs::metadata(self.cwd.join(&candidate)) {
                Ok(metadata) if !metadata.is_dir() => match self.may_run(&candidate, &metadata) {
                    Ok(()) => return Ok(candidate),
                    Err(fault) => refused = refused.or(Some(fault)),
                },
                _ => {}
            }
        }
        Err(refused.unwrap_or_else(|| self.not_found(name.into())))
    }

    /// Whether the file at `path` can be started; `depth` scripts have been read on the way to it.
    fn judge(&self, path: PathBuf, depth: usize) -> Result<Runnable, CommandFault> {
        let unreadable = |error: io::Error| CommandFault::Unreadable {
            path: path.clone(),
            why: error.kind().to_string(),
        };
        let full = self.cwd.join(&path);
        let metadata = match fs::metadata(&full) {
            Ok(metadata) => metadata,
            Err(error) => {
                return Err(match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.not_found(path),
                    _ => unreadable(error),
                });
            }
        };
        if metadata.is_dir() {
            return Err(CommandFault::IsDirectory { path });
        }
        self.may_run(&path, &metadata)?;

        let file = match File::open(&full) {
            Ok(file) => file,
            // A program need not be readable to be run, and nobody can tell whether this is one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let kind = Kind::Binary;
                return Ok(Runnable { path, kind });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut head = Vec::with_capacity(HEAD);
        (&file)
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(unreadable)?;
        if head.starts_with(elf::MAGIC) {
            let image = elf::read(&file).map_err(unreadable)?;
            return self.binary(path, image);
        }
        match shebang(&head) {
            Some((interpreter, argument)) => self.script(path, interpreter, argument, depth),
            None => self.text(path, &head, depth),
        }
    }

    fn may_run(&self, path: &Path, metadata: &Metadata) -> Result<(), CommandFault> {
        let full = self.cwd.join(path);
        let mode = metadata.mode() & 0o7777;
        let reason = if !metadata.is_file() {
            Refusal::NotRegular
        } else if faccessat(AT_FDCWD, &full, AccessFlags::X_OK, AtFlags::AT_EACCESS).is_ok() {
            return Ok(());
        } else if mode & 0o111 == 0 {
            Refusal::NoExecuteBit { mode }
        } else if statvfs(&full).is_ok_and(|mount| mount.flags().contains(FsFlags::ST_NOEXEC)) {
            Refusal::NoexecMount
        } else {
            let (uid, owner) = (Uid::effective().as_raw(), metadata.uid());
            Refusal::NotForThisUser { mode, uid, owner }
        };
        let path = path.to_owned();
        Err(CommandFault::NotExecutable { path, mode, reason })
    }

    fn binary(&self, path: PathBuf, image: Option<elf::Image>) -> Result<Runnable, CommandFault> {
        let Some(image) = image else {
            let why = "it is an ELF file, but no whole program";
            return Err(CommandFault::NotAProgram { path, why });
        };
        if let Some(native @ [first, ..]) = elf::native()
            && !native.contains(&image.machine)
        {
            let (is, want) = (elf::platform(image.machine), elf::platform(*first));
            return Err(CommandFault::WrongArchitecture { path, is, want });
        }
        match image.loader {
            Some(loader) if !self.cwd.join(&loader).exists() => {
                Err(CommandFault::LoaderMissing { path, loader })
            }
            _ => Ok(Runnable {
                path,
                kind: Kind::Binary,
            }),
        }
    }

    fn script(
        &self,
        path: PathBuf,
        interpreter: PathBuf,
        argument: Option<OsString>,
        depth: usize,
    ) -> Result<Runnable, CommandFault> {
        let runs = match depth + 1 {
            depth if depth > SCRIPTS => {
                let why = format!("more than {SCRIPTS} scripts interpret one another");
                return Err(CommandFault::InterpreterNotExecutable {
                    path,
                    interpreter,
                    why,
                });
            }
            depth => self.judge(interpreter.clone(), depth),
        };
        match runs {
            // The kernel refuses the whole chain, and it falls to the shell.
            Ok(Runnable {
                kind: Kind::NoShebang,
                ..
            }) => {
                let kind = Kind::NoShebang;
                return Ok(Runnable { path, kind });
            }
            Ok(_) => {}
            Err(fault) => return Err(self.interpreter_fault(path, interpreter, false, fault)),
        }
        if let Some(argument) = &argument {
            let name = interpreter.file_name().unwrap_or_default().as_bytes();
            if name == b"env" {
                self.looked_up_by_env(&path, argument, depth)?;
            } else if argument.as_bytes().ends_with(b"\r") && !name.starts_with(b"perl") {
                // Measured: sh, bash, python3 and awk choke on it; perl does not.
                let mut interpreter = interpreter.into_os_string();
                interpreter.push(" ");
                interpreter.push(without_cr(argument));
                let interpreter = interpreter.into();
                return Err(CommandFault::CrlfShebang { path, interpreter });
            }
        }
        let kind = Kind::Script {
            interpreter,
            argument,
        };
        Ok(Runnable { path, kind })
    }

    /// Judges the program that `#!/usr/bin/env ARGUMENT` will look up, where that can be told.
    fn looked_up_by_env(
        &self,
        path: &Path,
        argument: &OsStr,
        depth: usize,
    ) -> Result<(), CommandFault> {
        let Some(name) = env_program(argument.as_bytes()) else {
            return Ok(());
        };
        let name = OsStr::from_bytes(name);
        match self
            .locate(name)
            .and_then(|found| self.judge(found, depth + 1))
        {
            Ok(_) => Ok(()),
            Err(fault) => Err(self.interpreter_fault(path.to_owned(), name.into(), true, fault)),
        }
    }

    /// What the fault of an interpreter means for the script at `path`.
    fn interpreter_fault(
        &self,
        path: PathBuf,
        interpreter: PathBuf,
        by_env: bool,
        fault: CommandFault,
    ) -> CommandFault {
        match fault {
            CommandFault::NotFound { .. }
                if interpreter.as_os_str().as_bytes().ends_with(b"\r") =>
            {
                let interpreter = without_cr(interpreter.as_os_str()).into();
                CommandFault::CrlfShebang { path, interpreter }
            }
            CommandFault::NotFound { .. } => {
                let on_path = by_env && !interpreter.as_os_str().as_bytes().contains(&b'/');
                let name = interpreter.file_name().unwrap_or_default();
                let elsewhere = match on_path {
                    true => None,
                    false => self.locate(name).ok(),
                };
                CommandFault::InterpreterMissing {
                    path,
                    interpreter,
                    on_path,
                    elsewhere,
                }
            }
            CommandFault::IsDirectory { .. }
            | CommandFault::NotExecutable { .. }
            | CommandFault::NotAProgram { .. }
            | CommandFault::Unreadable { .. } => {
                let why = fault.to_string();
                CommandFault::InterpreterNotExecutable {
                    path,
                    interpreter,
                    why,
                }
            }
            // These speak of the interpreter, or of what it needs in turn.
            CommandFault::InterpreterMissing { .. }
            | CommandFault::InterpreterNotExecutable { .. }
            | CommandFault::CrlfShebang { .. }
            | CommandFault::LoaderMissing { .. }
            | CommandFault::WrongArchitecture { .. } => fault,
        }
    }

    /// What is neither ELF nor begins with a shebang: the shell runs it, unless its first line holds a NUL (the
    /// test of bash; an empty file is an empty script).
    fn text(&self, path: PathBuf, head: &[u8], depth: usize) -> Result<Runnable, CommandFault> {
        let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if first.contains(&0) {
            let why = likeness(head);
            return Err(CommandFault::NotAProgram { path, why });
        }
        // The shell itself may be missing; where it is a text, there is no end to this.
        match self.judge_shell(&path, depth) {
            Ok(_) => Ok(Runnable {
                path,
                kind: Kind::NoShebang,
            }),
            Err(fault) => Err(self.interpreter_fault(path, SHELL.into(), false, fault)),
        }
    }

    fn judge_shell(&self, path: &Path, depth: usize) -> Result<(), CommandFault> {
        match path == Path::new(SHELL) {
            true => Ok(()),
            false => self.judge(SHELL.into(), depth).map(drop),
        }
    }

    fn not_found(&self, name: PathBuf) -> CommandFault {
        let bare = !name.as_os_str().as_bytes().contains(&b'/');
        CommandFault::NotFound {
            searched: if bare {
                self.directories.clone()
            } else {
                Vec::new()
            },
            cwd: self.cwd.to_owned(),
            dangling: if bare {
                None
            } else {
                fs::read_link(self.cwd.join(&name)).ok()
            },
            near: self.near(&name, bare),
            name,
        }
    }

    /// A file of this name in the working directory or one below it, else one with a name like it where it was sought.
    fn near(&self, name: &Path, bare: bool) -> Option<PathBuf> {
        let file = name.file_name()?;
        let below = names(self.cwd).map(|directory| self.cwd.join(directory));
        let namesake = std::iter::once(self.cwd.to_owned())
            .chain(below)
            .map(|directory| directory.join(file))
            .find(|path| path.is_file());
        let sought = match bare {
            true => self.directories.clone(),
            false => name.parent().map(PathBuf::from).into_iter().collect(),
        };
        let wanted = file.to_string_lossy();
        let like = || {
            sought
                .iter()
                .flat_map(|directory| {
                    names(&self.cwd.join(directory)).map(|name| directory.join(name))
                })
                .filter_map(|path| Some((distance(&wanted, path.file_name()?), path)))
                .filter(|(distance, path)| {
                    *distance <= 2.min(wanted.len() / 3) && self.cwd.join(path).is_file()
                })
                .min()
                .map(|(_, path)| path)
        };
        namesake.or_else(like)
    }
}

/// The names in `directory`; none where it cannot be read.
fn names(directory: &Path) -> impl Iterator<Item = OsString> + use<> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .take(NAMES)
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
}

/// How many slips of a finger lie between two names; none for a change of case.
fn distance(one: &str, other: &OsStr) -> usize {
    let (one, other) = (one.to_lowercase(), other.to_string_lossy().to_lowercase());
    strsim::damerau_levenshtein(&one, &other)
}

/// The interpreter and its one argument, as the kernel finds them in the first 256 bytes (fs/binfmt_script.c); `None`
/// where it finds none, or where its name is cut off.
fn shebang(head: &[u8]) -> Option<(PathBuf, Option<OsString>)> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let line = head.strip_prefix(b"#!")?;
    let end = line.iter().position(|byte| matches!(byte, b'\n' | 0));
    let line = trim(&line[..end.unwrap_or(line.len())], is_blank);
    let (name, rest) = match line.iter().position(is_blank) {
        Some(blank) => line.split_at(blank),
        None if end.is_none() && head.len() == HEAD => return None,
        None => (line, &b""[..]),
    };
    let argument = trim(rest, is_blank);
    let argument = (!argument.is_empty()).then(|| OsString::from_vec(argument.to_vec()));
    (!name.is_empty()).then(|| (OsStr::from_bytes(name).into(), argument))
}

/// The program that `env` looks up when its one argument is this; `None` where that takes more of env to tell. With
/// `-S` env splits the words at white space, to which a carriage return belongs.
fn env_program(argument: &[u8]) -> Option<&[u8]> {
    let words = [&b"-S"[..], b"-vS", b"--split-string="]
        .iter()
        .find_map(|option| argument.strip_prefix(*option));
    let program = match words {
        Some(words) => words
            .split(u8::is_ascii_whitespace)
            .find(|word| !word.is_empty() && (word[0] == b'-' || !word.contains(&b'=')))?,
        None => argument,
    };
    let moved = words.is_some_and(|words| words.windows(5).any(|window| window == b"PATH="));
    let plain =
        !program.starts_with(b"-") && !program.iter().any(|byte| b"=\"'\\$#".contains(byte));
    (plain && !moved).then_some(program)
}

/// What a file with a NUL in its first line seems to be.
fn likeness(head: &[u8]) -> &'static str {
    match head {
        [b'M', b'Z', ..] => "it is built for Windows",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            "it is built for macOS or Java"
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'#', 0, b'!', 0, ..] => "it is a text in UTF-16",
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => "it is an archive",
        _ => "it holds binary data",
    }
}

fn trim(bytes: &[u8], is_blank: impl Fn(&u8) -> bool) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(byte));
    let end = bytes.iter().rposition(|byte| !is_blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => &bytes[start..=end],
        _ => &[],
    }
}

fn without_cr(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    OsStr::from_bytes(bytes.strip_suffix(b"\r").unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};
    use tempfile::TempDir;

    /// A working directory with files, and an empty `bin` as the whole PATH.
    struct Place(TempDir);

    impl Place {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            fs::create_dir(place.path().join("bin")).unwrap();
            Self(place)
        }

        fn path(&self) -> &Path {
            self.0.path()
        }

        fn file(&self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> PathBuf {
            let path = self.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }

        fn environment(&self) -> Environment {
            [("PATH", self.path().join("bin"))].into_iter().collect()
        }

        fn find(&self, name: &str) -> Result<Runnable, CommandFault> {
            find(name.as_ref(), &self.environment(), self.path())
        }

        /// The exit code of a shell that is to run `name` here.
        fn shell(&self, name: &str) -> Option<i32> {
            Command::new("/bin/sh")
                .args(["-c", "\"$0\"", name])
                .current_dir(self.path())
                .env_clear()
                .env("PATH", self.path().join("bin"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .code()
        }
    }

    /// A 64-bit little-endian ELF program: one program header, which may name a loader.
    fn program(machine: u64, loader: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0; 120];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16] = 2;
        bytes[18..20].copy_from_slice(&(machine as u16).to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = if loader.is_some() { 3 } else { 1 };
        bytes[72] = 120;
        if let Some(loader) = loader {
            bytes[96] = loader.len() as u8 + 1;
            bytes.extend(loader.bytes());
            bytes.push(0);
        }
        bytes
    }

    fn native() -> u64 {
        elf::native().map_or(0, |machines| machines[0])
    }

    #[test]
    fn what_can_start_is_recognised() {
        let place = Place::new();
        place.file("bin/tool", 0o755, "#!/bin/sh -e\n");
        place.file("bin/node", 0o755, "#!/bin/sh\n");
        let script = |interpreter: &str, argument: Option<&str>| Kind::Script {
            interpreter: interpreter.into(),
            argument: argument.map(OsString::from),
        };
        let mut cut = b"#!/bin/sh ".to_vec();
        cut.resize(400, b'x');
        let cases: [(&[u8], Kind); 17] = [
            (b"#!/bin/sh\necho\n", script("/bin/sh", None)),
            (b"#!/bin/sh", script("/bin/sh", None)),
            (
                b"#! \t/bin/sh \t -a  -b \t\n",
                script("/bin/sh", Some("-a  -b")),
            ),
            (&cut, script("/bin/sh", Some(&"x".repeat(246)))),
            (b"#!bin/tool\n", script("bin/tool", None)),
            (
                b"#!/usr/bin/env node\n",
                script("/usr/bin/env", Some("node")),
            ),
            (
                b"#!/usr/bin/env -S A=1 node --x\r\n",
                script("/usr/bin/env", Some("-S A=1 node --x\r")),
            ),
            // What takes more of env to tell is left to env.
            (
                b"#!/usr/bin/env -S PATH=/x nope\n",
                script("/usr/bin/env", Some("-S PATH=/x nope")),
            ),
            (
                b"#!/usr/bin/env -S \"no pe\"\n",
                script("/usr/bin/env", Some("-S \"no pe\"")),
            ),
            (b"#!/usr/bin/env -i\n", script("/usr/bin/env", Some("-i"))),
            (b"echo hello\n", Kind::NoShebang),
            (b"", Kind::NoShebang),
            (b"#!\necho\n", Kind::NoShebang),
            (b"\xef\xbb\xbf#!/bin/sh\n", Kind::NoShebang),
            (b"echo\n\0\0", Kind::NoShebang),
            (&program(native(), None), Kind::Binary),
            (&program(native(), Some("/bin/sh")), Kind::Binary),
        ];
        for (content, kind) in cases {
            place.file("a", 0o755, content);
            let path = PathBuf::from("./a");
            let shown = String::from_utf8_lossy(content).into_owned();
            assert_eq!(place.find("./a"), Ok(Runnable { path, kind }), "{shown}");
        }
    }

    #[test]
    fn what_cannot_start_is_told_with_the_reason() {
        let place = Place::new();
        place.file("bin/plain", 0o644, "#!/bin/sh\n");
        place.file("bin/junk", 0o755, b"\0");
        let foreign = program(0xffff, None);
        let glibc = program(native(), Some("/nowhere/ld-linux-x86-64.so.2"));
        let musl = program(native(), Some("/nowhere/ld-musl-x86_64.so.1"));
        let cut = &program(native(), None)[..80];
        let cases: [(&[u8], u8, &str, &str); 17] = [
            (
                b"#!/nowhere/x\n",
                127,
                "`./a` needs `/nowhere/x`, which does not exist",
                "install `/nowhere/x`",
            ),
            (
                b"#!/usr/bin/env nope\n",
                127,
                "`./a` needs `nope`, which is in no directory of PATH",
                "install `nope`",
            ),
            (
                b"#!/usr/bin/env sh -e\n",
                127,
                "`./a` needs `sh -e`, which is in no directory of PATH",
                "`env` takes this for one name: write `#!/usr/bin/env -S sh -e`",
            ),
            (
                b"#!/usr/bin/env -S A=1 nope x\n",
                127,
                "`./a` needs `nope`, which is in no",
                "install `nope`",
            ),
            (
                b"#!/usr/bin/env /nowhere/x\n",
                127,
                "`./a` needs `/nowhere/x`, which does not",
                "install `/nowhere/x`",
            ),
            (
                b"#!/bin/sh\r\n",
                127,
                "ends in CR LF, so that it asks for `/bin/sh\\r`",
                "`sed -i 's/\\r$//' ./a`",
            ),
            (
                b"#!/bin/sh -e\r\n",
                127,
                "ends in CR LF, so that it asks for `/bin/sh -e\\r`",
                "dos2unix",
            ),
            (
                b"#!/usr/bin/env sh\r\n",
                127,
                "ends in CR LF, so that it asks for `sh\\r`",
                "eol=lf",
            ),
            (
                b"#!bin\n",
                126,
                "the interpreter of `./a` cannot run: `bin` is a directory",
                "mend `bin`",
            ),
            (
                b"#!bin/plain\n",
                126,
                "cannot run: `bin/plain` cannot be run: it has no execute bit (mode 0644)",
                "mend",
            ),
            (
                b"#!bin/junk\n",
                126,
                "cannot run: `bin/junk` is no program: it holds binary data",
                "mend `bin/junk`",
            ),
            (
                &glibc,
                127,
                "`./a` needs the loader `/nowhere/ld-linux-x86-64.so.2`",
                "built for glibc",
            ),
            (
                &musl,
                127,
                "`./a` needs the loader `/nowhere/ld-musl-x86_64.so.1`",
                "built for musl",
            ),
            (
                cut,
                126,
                "`./a` is no program: it is an ELF file, but no whole program",
                "name a program",
            ),
            (
                b"MZ\x90\0",
                126,
                "`./a` is no program: it is built for Windows",
                "for Linux",
            ),
            (
                b"#\0!\0/\0",
                126,
                "`./a` is no program: it is a text in UTF-16",
                "for Linux",
            ),
            (
                &foreign,
                126,
                "`./a` is built for ELF machine 65535, and this is ",
                "docker build --platform linux/",
            ),
        ];
        for (content, code, said, help) in cases {
            place.file("a", 0o755, content);
            if content == foreign && elf::native().is_none() {
                continue;
            }
            let fault = place.find("./a").unwrap_err();
            assert!(fault.to_string().contains(said), "{fault}");
            assert!(fault.help().contains(help), "{}", fault.help());
            assert_eq!(fault.exit_code(), code, "{fault}");
        }
    }

    #[test]
    fn perl_forgives_a_carriage_return_after_an_option() {
        let place = Place::new();
        fs::copy("/bin/sh", place.path().join("bin/perl")).unwrap();
        place.file("a", 0o755, "#!bin/perl -w\r\n");
        assert!(place.find("./a").is_ok());
        place.file("a", 0o755, "#!bin/perl\r\n");
        assert!(matches!(
            place.find("./a"),
            Err(CommandFault::CrlfShebang { .. })
        ));
    }

    #[test]
    fn names_are_looked_up_as_a_shell_does() {
        let place = Place::new();
        for directory in ["one", "two", "one/c"] {
            fs::create_dir(place.path().join(directory)).unwrap();
        }
        for name in ["one/b", "two/a", "two/b", "two/c", "here"] {
            place.file(name, 0o755, "");
        }
        place.file("one/a", 0o644, "");
        place.file("one/refused", 0o644, "");
        let find = |name: &str, path: &str| {
            let environment: Environment = [("PATH", path)].into_iter().collect();
            find(name.as_ref(), &environment, place.path()).map(|found| found.path)
        };
        // Two is reached from the working directory; a file that may not be run and a directory are passed by.
        for (name, path, found) in [
            ("a", "one:two", "two/a"),
            ("b", "one:two", "one/b"),
            ("c", "one:two", "two/c"),
            ("here", "one:", "./here"),
            ("here", "", "./here"),
            ("one/b", "two", "one/b"),
        ] {
            assert_eq!(
                find(name, path),
                Ok(PathBuf::from(found)),
                "{name} on {path}"
            );
        }
        for (name, path, code) in [
            ("refused", "one:two", 126),
            ("here", "one:two", 127),
            ("", ":", 127),
            ("c", "one", 127),
        ] {
            assert_eq!(
                find(name, path).unwrap_err().exit_code(),
                code,
                "{name} on {path}"
            );
        }
    }

    #[test]
    fn without_path_the_system_directories_are_searched() {
        let found = find("sh".as_ref(), &Environment::default(), Path::new("/")).unwrap();
        assert_eq!(found.path, Path::new("/bin/sh"));
    }

    #[test]
    fn a_missing_command_is_told_with_what_may_have_been_meant() {
        let place = Place::new();
        fs::create_dir(place.path().join("app")).unwrap();
        place.file("app/a.sh", 0o755, "");
        place.file("app/run", 0o755, "");
        place.file("here", 0o755, "");
        place.file("bin/python3", 0o755, "");
        symlink("/nowhere/target", place.path().join("link")).unwrap();
        let at = |name: &str| place.path().join(name).display().to_string();
        let exists = |path: String| {
            format!(
                "`{path}` exists: write that (the working directory is `{}`)",
                place.path().display()
            )
        };
        for (name, said, help) in [
            ("./a.sh", "`./a.sh` does not exist", exists(at("app/a.sh"))),
            (
                "/nowhere/here",
                "`/nowhere/here` does not exist",
                exists(at("here")),
            ),
            (
                "here",
                "`here` is in no directory of PATH",
                exists(at("here")),
            ),
            (
                "app/A.sh",
                "`app/A.sh` does not exist",
                exists("app/a.sh".into()),
            ),
            (
                "pyhton3",
                "`pyhton3` is in no directory of PATH",
                exists(at("bin/python3")),
            ),
            (
                "app",
                "`app` is in no directory of PATH",
                format!(
                    "install it, or add its directory to PATH (searched `{}`)",
                    at("bin")
                ),
            ),
            (
                "./none",
                "`./none` does not exist",
                format!(
                    "the working directory is `{}`: set WORKDIR, or write the path from the root",
                    place.path().display()
                ),
            ),
            (
                "/nowhere/none",
                "`/nowhere/none` does not exist",
                "copy it into the image, or mend the path".into(),
            ),
            (
                "here/none",
                "`here/none` does not exist",
                format!(
                    "the working directory is `{}`: set WORKDIR, or write the path from the root",
                    place.path().display()
                ),
            ),
            (
                "./here -e env",
                "`./here -e env` does not exist",
                "it is one word with spaces in it: give command and arguments each as a word"
                    .into(),
            ),
            (
                "./link",
                "`./link` does not exist",
                "it is a link to `/nowhere/target`: make that exist, or mend the link".into(),
            ),
        ] {
            let fault = place.find(name).unwrap_err();
            assert_eq!((fault.to_string().as_str(), fault.help()), (said, help));
            assert_eq!(fault.exit_code(), 127);
        }
    }

    #[test]
    fn an_interpreter_elsewhere_on_path_is_pointed_at() {
        let place = Place::new();
        let bash = place.file("bin/bash", 0o755, "");
        place.file("a", 0o755, "#!/nowhere/bash\n");
        let help = format!("it is at `{0}`: begin `./a` with `#!{0}`", bash.display());
        assert_eq!(place.find("./a").unwrap_err().help(), help);
    }

    #[test]
    fn who_may_not_run_it_is_told() {
        let place = Place::new();
        place.file("a", 0o644, "#!/bin/sh\n");
        let fault = place.find("./a").unwrap_err();
        assert_eq!(
            fault.to_string(),
            "`./a` cannot be run: it has no execute bit (mode 0644)"
        );
        assert!(fault.help().contains("chmod +x ./a"));
        nix::unistd::mkfifo(&place.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for (name, said) in [
            ("./pipe", "`./pipe` cannot be run: it is no regular file"),
            ("./bin", "`./bin` is a directory"),
        ] {
            let fault = place.find(name).unwrap_err();
            assert_eq!((fault.to_string().as_str(), fault.exit_code()), (said, 126));
        }
    }

    #[test]
    fn five_scripts_may_interpret_one_another() {
        let place = Place::new();
        let mut interpreter = PathBuf::from("/bin/sh");
        for depth in 1..=6 {
            let name = format!("k{depth}");
            interpreter = place.file(&name, 0o755, format!("#!{}\n", interpreter.display()));
            let judged = place.find(&format!("./{name}"));
            assert_eq!(judged.is_ok(), depth <= 5, "{depth}");
            let runs = place.shell(&format!("./{name}")) == Some(0);
            assert_eq!(judged.is_ok(), runs, "{depth}");
        }
        place.file("self", 0o755, "#!./self\n");
        place.file("bin/round", 0o755, "#!/usr/bin/env round\n");
        for endless in ["./self", "round"] {
            assert_eq!(place.find(endless).unwrap_err().exit_code(), 126);
        }
    }

    #[test]
    fn a_script_whose_interpreter_has_no_shebang_falls_to_the_shell() {
        let place = Place::new();
        place.file("inner", 0o755, "exit 3\n");
        place.file("outer", 0o755, "#!./inner\nexit 4\n");
        assert_eq!(place.find("./outer").unwrap().kind, Kind::NoShebang);
        assert_eq!(place.shell("./outer"), Some(4));
    }

    #[test]
    fn the_exit_code_is_the_shells() {
        let place = Place::new();
        for (name, content) in [
            ("plain", "#!/bin/sh\n"),
            ("missing", "#!/nowhere/x\n"),
            ("crlf", "#!/bin/sh\r\n"),
            ("env", "#!/usr/bin/env nope\n"),
            ("env-crlf", "#!/usr/bin/env sh\r\n"),
            ("directory", "#!/bin\n"),
        ] {
            place.file(name, if name == "plain" { 0o644 } else { 0o755 }, content);
        }
        place.file("loader", 0o755, program(native(), Some("/nowhere/ld.so")));
        for name in [
            "./plain",
            "./missing",
            "./crlf",
            "./env",
            "./env-crlf",
            "./directory",
            "./loader",
            "./none",
            "none",
            "./bin",
        ] {
            let code = place.find(name).unwrap_err().exit_code();
            assert_eq!(place.shell(name), Some(code.into()), "{name}");
        }
    }
}
