//! The controller's end of the socket.
//!
//! A lock beside the socket says that it is held, and by whom. The system gives the lock back when its holder ends, however
//! that was: a socket that a dead controller left behind blocks nobody, and two that start at once don't both get it.

use super::{Answer, Letter, MAX_LINE_BYTES};
use crossbeam_channel::{Receiver, Sender};
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Connections at one time; an operator has one.
const MAX_CONNECTIONS: usize = 16;
/// Requests that wait for the next scan.
const MAX_WAITING: usize = 16;
/// A sender has so long for its line.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read of a lock: a line of who holds it.
const MAX_HOLDER_BYTES: u64 = 1024;

/// A request that waits to be carried out.
pub struct Asked {
    /// What, and by whom.
    pub letter: Letter,
    /// Where the answer goes.
    pub reply: Sender<Answer>,
    /// Set by whoever is first: the scan that carries it out, or the sender who waits no longer.
    settled: Arc<AtomicBool>,
}

impl Asked {
    /// Whether it is still to be carried out; whoever asks has to do it then.
    #[must_use]
    pub fn claim(&self) -> bool {
        !self.settled.swap(true, Ordering::AcqRel)
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another controller holds it.
    #[error(
        "another controller of this site runs, {holder}; it answers at {}. Stop it first; two different sites each have \
         a `name` of their own in [site], or a `control`",
        path.display()
    )]
    Taken {
        /// The socket.
        path: PathBuf,
        /// Process, configuration, since when; as far as it is known.
        holder: String,
    },
    /// The folder is somebody else's, or open to others.
    #[error("{} should be a folder of this user's own that nobody else may enter", .0.display())]
    Folder(PathBuf),
    /// The file system says no.
    #[error("{}: {error}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
}

/// A socket that is open; the file goes with it.
pub struct ControlSocket {
    path: PathBuf,
    asked: Receiver<Asked>,
    /// Held as long as it is open.
    _lock: File,
}

impl ControlSocket {
    /// Opens it. `patience` is how long a request may wait for its scan; `holder` says who has it from here on.
    pub fn open(path: &Path, patience: Duration, holder: &str) -> Result<ControlSocket, ControlError> {
        let io = |error| ControlError::Io { path: path.to_owned(), error };
        prepare_folder(path)?;
        let lock = lock(path, holder)?;
        match UnixStream::connect(path) {
            Ok(_somebody) => {
                let holder = "an unknown process that has no lock".to_owned();
                return Err(ControlError::Taken { path: path.to_owned(), holder });
            }
            // Nobody listens: what is there was left behind by a controller that was killed. Anything else is not ours.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                if std::fs::symlink_metadata(path).is_ok_and(|found| is_socket(&found)) {
                    std::fs::remove_file(path).map_err(io)?;
                }
            }
            Err(_) => {}
        }
        let listener = UnixListener::bind(path).map_err(io)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
        let (ask, asked) = crossbeam_channel::bounded(MAX_WAITING);
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || listen(&listener, &ask, patience))
            .map_err(io)?;
        Ok(ControlSocket { path: path.to_owned(), asked, _lock: lock })
    }

    /// Requests that wait.
    #[must_use]
    pub fn asked(&self) -> &Receiver<Asked> {
        &self.asked
    }

    /// The next request that waits, if one does.
    pub fn next(&self) -> Option<Asked> {
        self.asked.try_recv().ok()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // The process ends, and its thread with it; files that stay would only be taken over by the next one.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(lock_path(&self.path));
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Takes the lock beside the socket, and writes into it who has it.
fn lock(path: &Path, holder: &str) -> Result<File, ControlError> {
    let lock_path = lock_path(path);
    let io = |error| ControlError::Io { path: lock_path.clone(), error };
    loop {
        let mut options = OpenOptions::new();
        // A link that somebody else put there is not followed.
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow);
        let mut file = options.open(&lock_path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who has it may not have written its name yet.
                let _ = (&file).take(MAX_HOLDER_BYTES).read_to_string(&mut text);
                let holder = text.trim().replace(char::is_control, " ");
                let holder = if holder.is_empty() { "just started".to_owned() } else { holder };
                return Err(ControlError::Taken { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // Its holder may have removed it between opening and locking: then this lock is nobody's.
        let own = file.metadata().map_err(io)?;
        if std::fs::metadata(&lock_path).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(io)?;
            return Ok(file);
        }
    }
}

fn is_socket(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    found.file_type().is_socket()
}

/// The default folder is made, and must be nobody else's; a folder that the configuration names is its author's concern.
fn prepare_folder(path: &Path) -> Result<(), ControlError> {
    let folder = super::folder();
    if path.parent() != Some(&folder) {
        return Ok(());
    }
    let made = DirBuilder::new().mode(0o700).create(&folder);
    if let Err(error) = made
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(ControlError::Io { path: folder, error });
    }
    if super::is_own_folder(&folder) { Ok(()) } else { Err(ControlError::Folder(folder)) }
}

fn listen(listener: &UnixListener, ask: &Sender<Asked>, patience: Duration) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of file descriptors, at worst: it may pass.
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        if open.load(Ordering::Relaxed) >= MAX_CONNECTIONS {
            let busy = Answer::Refused { why: "too many connections; try again".to_owned() };
            // Who asked may have gone.
            let _ = answer_with(&stream, &busy);
            continue;
        }
        let (ask, counter) = (ask.clone(), Arc::clone(&open));
        open.fetch_add(1, Ordering::Relaxed);
        let served = std::thread::Builder::new().name("control".into()).spawn(move || {
            if let Err(error) = serve(&stream, &ask, patience) {
                tracing::debug!(%error, "a control connection ended early");
            }
            counter.fetch_sub(1, Ordering::Relaxed);
        });
        if served.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// One line in, one line out.
fn serve(stream: &UnixStream, ask: &Sender<Asked>, patience: Duration) -> std::io::Result<()> {
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    stream.set_write_timeout(Some(READ_TIMEOUT))?;
    let mut line = Vec::new();
    BufReader::new(stream.take(MAX_LINE_BYTES)).read_until(b'\n', &mut line)?;
    let answer = match serde_json::from_slice::<Letter>(&line) {
        Ok(letter) => carry(letter, ask, patience),
        Err(error) => Answer::Refused { why: format!("not a request that this controller knows: {error}") },
    };
    answer_with(stream, &answer)
}

fn answer_with(stream: &UnixStream, answer: &Answer) -> std::io::Result<()> {
    stream.set_write_timeout(Some(READ_TIMEOUT))?;
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    let mut writer = stream;
    writer.write_all(&text)
}

/// Verifying and compiling a bundle takes so long at worst, on a slow machine.
const SLOW: Duration = Duration::from_secs(120);

fn carry(letter: Letter, ask: &Sender<Asked>, patience: Duration) -> Answer {
    let slow = letter.request.is_slow();
    let (reply, answer) = crossbeam_channel::bounded(1);
    let refused = |why: &str| Answer::Refused { why: why.to_owned() };
    let settled = Arc::new(AtomicBool::new(false));
    if ask.try_send(Asked { letter, reply, settled: Arc::clone(&settled) }).is_err() {
        return refused("the controller stops, or too many requests wait; try again");
    }
    if let Ok(answer) = answer.recv_timeout(patience) {
        return answer;
    }
    if settled.swap(true, Ordering::AcqRel) {
        // It is being carried out at this moment.
        let patience = if slow { SLOW } else { patience };
        return answer.recv_timeout(patience).unwrap_or_else(|_| refused("it was begun; look what came of it"));
    }
    refused("no scan took the request; it is not done, and will not be")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::{Request, client};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn open(path: &Path) -> Result<ControlSocket, ControlError> {
        ControlSocket::open(path, PATIENCE, "process 1 with a.toml")
    }

    fn answering(socket: ControlSocket) -> std::thread::JoinHandle<Letter> {
        std::thread::spawn(move || {
            let asked = socket.asked.recv_timeout(PATIENCE).unwrap();
            assert!(asked.claim());
            asked.reply.send(Answer::Done { text: "done".into() }).unwrap();
            asked.letter
        })
    }

    #[test]
    fn a_request_is_answered_and_the_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let socket = open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let controller = answering(socket);
        let answer = client::ask(&path, Request::Reset { output: "sp".into() }).unwrap();
        assert_eq!(answer, Answer::Done { text: "done".into() });
        assert_eq!(controller.join().unwrap().request, Request::Reset { output: "sp".into() });
        assert!(!path.exists() && !lock_path(&path).exists(), "the files go with the socket");
    }

    #[test]
    fn what_was_refused_for_want_of_a_scan_is_never_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let socket = ControlSocket::open(&path, Duration::from_millis(50), "me").unwrap();
        let answer = client::ask(&path, Request::Reset { output: "sp".into() }).unwrap();
        assert!(matches!(&answer, Answer::Refused { why } if why.contains("will not be")), "{answer:?}");
        assert!(!socket.next().unwrap().claim(), "the scan comes too late");
    }

    #[test]
    fn a_datagram_socket_of_somebody_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let _other = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        assert!(matches!(open(&path), Err(ControlError::Io { .. })));
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_request_is_refused_and_reaches_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let socket = open(&path).unwrap();
        for line in ["{}\n", "nonsense\n", "{\"user\":\"x\",\"request\":{\"op\":\"reset\",\"outputs\":\"a\"}}\n", "\n"]
        {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains("not a request"), "{line}: {answer}");
        }
        assert!(socket.next().is_none());
    }

    #[test]
    fn a_socket_left_behind_is_taken_over_and_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("left.sock");
        drop(UnixListener::bind(&left).unwrap());
        assert!(left.exists());
        assert!(open(&left).is_ok());
        let file = folder.path().join("file.sock");
        std::fs::write(&file, "precious").unwrap();
        assert!(matches!(open(&file), Err(ControlError::Io { .. })));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    }

    #[test]
    fn a_second_one_is_told_who_holds_it_and_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let first = open(&path).unwrap();
        let second = open(&path).map(|_| ()).unwrap_err();
        assert!(second.to_string().contains("process 1 with a.toml; it answers at"), "{second}");
        let controller = answering(first);
        assert!(client::ask(&path, Request::Modes).is_ok(), "the first one goes on");
        controller.join().unwrap();
        assert!(open(&path).is_ok());
    }

    #[test]
    fn a_lock_of_a_dead_controller_blocks_nobody_and_one_that_lives_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        std::fs::write(lock_path(&path), "process 4711, long dead, with a longer name than its heir").unwrap();
        drop(UnixListener::bind(&path).unwrap());
        let socket = open(&path).unwrap();
        assert_eq!(std::fs::read_to_string(lock_path(&path)).unwrap(), "process 1 with a.toml");
        drop(socket);
        // One that has the lock and has not opened its socket yet.
        let starting = lock(&path, "").unwrap();
        let refused = open(&path).map(|_| ()).unwrap_err();
        assert!(matches!(&refused, ControlError::Taken { holder, .. } if holder == "just started"), "{refused}");
        drop(starting);
        assert!(open(&path).is_ok());
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        std::os::unix::fs::symlink(&precious, lock_path(&path)).unwrap();
        assert!(matches!(open(&path), Err(ControlError::Io { .. })));
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    }
}
