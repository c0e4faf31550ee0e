//! Ends, signals, bytes: what a client and a server see is what they see without the proxy.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{Way, behind_the_proxy, ignoring, in_all_ways};

fn kill(process: &Child, signal: Signal) {
    let pid = Pid::from_raw(process.id() as i32).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn the_exit_code_is_the_servers() {
    in_all_ways(|way| {
        for code in [0, 1, 7, 255] {
            let status = way.command(["sh", "-c", &format!("exit {code}")]).status();
            assert_eq!(status.unwrap().code(), Some(code));
        }
    });
}

#[test]
fn a_server_that_a_signal_ended_ends_the_proxy_by_the_same() {
    in_all_ways(|way| {
        for signal in [Signal::KILL, Signal::TERM, Signal::SEGV] {
            let number = signal.as_raw();
            let status = way
                .command(["sh", "-c", &format!("kill -{number} $$")])
                .status();
            assert_eq!(status.unwrap().signal(), Some(number));
        }
    });
}

#[test]
fn a_server_that_cannot_be_started_is_named() {
    behind_the_proxy(|way| {
        for (command, code) in [("/nowhere/server", 127), ("/etc", 126)] {
            let output = way.command([command]).output().unwrap();
            assert_eq!(output.status.code(), Some(code));
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains(command), "{said}");
            assert_eq!(output.stdout, b"");
        }
    });
}

#[test]
fn a_command_line_without_a_command_says_so() {
    for arguments in [
        &[][..],
        &["--intent"],
        &["--intent", "--"],
        &["--wire", "x"],
    ] {
        let mut proxy = std::process::Command::new(env!("CARGO_BIN_EXE_usage_proxy"));
        let output = proxy.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("usage: usage_proxy"), "{said}");
    }
}

#[test]
fn every_byte_passes_both_ways() {
    in_all_ways(|way| {
        let mut proxy = way.command(["cat"]).spawn().unwrap();
        // No text and no line: longer than all pipes, so that both ends wait for each other.
        let sent: Vec<u8> = (0..3_000_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut stdin = proxy.stdin.take().unwrap();
        let writer = thread::spawn({
            let sent = sent.clone();
            move || stdin.write_all(&sent).unwrap()
        });
        let mut received = Vec::new();
        let mut stdout = proxy.stdout.take().unwrap();
        stdout.read_to_end(&mut received).unwrap();
        writer.join().unwrap();
        assert!(received == sent);
        assert!(proxy.wait().unwrap().success());
    });
}

#[test]
fn standard_error_and_the_environment_are_the_servers() {
    in_all_ways(|way| {
        let output = way
            .command(["sh", "-c", "echo to-err >&2; env"])
            .env("USAGE_PROXY_VERBOSE", "false")
            .env("GREETING", "hello")
            .output()
            .unwrap();
        assert_eq!(output.stderr, b"to-err\n");
        let said = String::from_utf8(output.stdout).unwrap();
        let has = |start: &str| said.lines().any(|line| line.starts_with(start));
        assert!(has("GREETING=hello") && has("PATH="), "{said}");
        assert_eq!(has("USAGE_PROXY_"), way == Way::Alone, "{said}");
    });
}

#[test]
fn arguments_behind_the_command_are_the_servers() {
    in_all_ways(|way| {
        let output = way
            .command(["echo", "--intent", "--", "-x"])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "--intent -- -x\n"
        );
    });
}

#[test]
fn signals_reach_the_server() {
    in_all_ways(|way| {
        for (signal, name) in [
            (Signal::TERM, "TERM"),
            (Signal::INT, "INT"),
            (Signal::HUP, "HUP"),
            (Signal::QUIT, "QUIT"),
            (Signal::USR1, "USR1"),
            (Signal::USR2, "USR2"),
            (Signal::ALARM, "ALRM"),
            (Signal::WINCH, "WINCH"),
            (Signal::CONT, "CONT"),
        ] {
            let script =
                format!("trap 'exit 9' {name}; echo ready; while :; do read -r line; done");
            let mut proxy = way.command(["sh", "-c", &script]).spawn().unwrap();
            let mut ready = String::new();
            let mut stdout = BufReader::new(proxy.stdout.take().unwrap());
            stdout.read_line(&mut ready).unwrap();
            assert_eq!(ready, "ready\n");
            kill(&proxy, signal);
            let mut stdin = proxy.stdin.take().unwrap();
            let ended = loop {
                if let Some(ended) = proxy.try_wait().unwrap() {
                    break ended;
                }
                // A shell looks at signals once its command has ended.
                let _ = stdin.write_all(b"\n");
            };
            assert_eq!(ended.code(), Some(9), "{name}");
        }
    });
}

#[test]
fn a_client_that_closes_its_end_closes_the_servers() {
    in_all_ways(|way| {
        let mut proxy = way
            .command(["sh", "-c", "cat >&2; exit 3"])
            .spawn()
            .unwrap();
        drop(proxy.stdin.take());
        assert_eq!(proxy.wait().unwrap().code(), Some(3));
    });
}

#[test]
fn a_server_that_closes_its_output_closes_the_proxys_while_it_runs() {
    in_all_ways(|way| {
        let script = "exec >&-; read -r line; exit 4";
        let mut proxy = way.command(["sh", "-c", script]).spawn().unwrap();
        let mut rest = Vec::new();
        proxy.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        proxy.stdin.take().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(proxy.wait().unwrap().code(), Some(4));
    });
}

#[test]
fn a_client_that_writes_to_a_server_that_reads_no_more_gets_a_broken_pipe() {
    in_all_ways(|way| {
        let script = "exec <&-; echo closed; while kill -0 $PPID; do sleep 0.05; done";
        let mut proxy = way.command(["sh", "-c", script]).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(proxy.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let mut stdin = proxy.stdin.take().unwrap();
        let line = [b'x'; 1_000];
        let error = loop {
            if let Err(error) = stdin.write_all(&line) {
                break error;
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        kill(&proxy, Signal::KILL);
        proxy.wait().unwrap();
    });
}

#[test]
fn a_client_that_reads_no_more_is_a_broken_pipe_of_the_servers() {
    in_all_ways(|way| {
        let script = "while echo line; do :; done; exit 5";
        let script = format!("trap '' PIPE; {script}");
        let mut proxy = way
            .command(["sh", "-c", &script])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(proxy.stdout.take());
        assert_eq!(proxy.wait().unwrap().code(), Some(5));
    });
}

#[test]
fn what_a_server_that_never_reads_is_sent_waits_with_the_client() {
    in_all_ways(|way| {
        let mut proxy = way
            .command(["sh", "-c", "echo ready; exec sleep 600"])
            .spawn()
            .unwrap();
        let mut stdin = proxy.stdin.take().unwrap();
        let (wrote, written) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let piece = vec![b'x'; 4_096];
            while stdin.write_all(&piece).is_ok() {
                let _ = wrote.send(piece.len());
            }
        });
        let taken: usize = std::iter::from_fn(|| {
            let patience = std::time::Duration::from_millis(500);
            written.recv_timeout(patience).ok()
        })
        .sum();
        // Two pipes and what was read of the first.
        assert!((64 * 1024..512 * 1024).contains(&taken), "{taken}");
        kill(&proxy, Signal::KILL);
        proxy.wait().unwrap();
    });
}

#[test]
fn a_proxy_that_is_killed_leaves_no_server_behind() {
    behind_the_proxy(|way| {
        let mut proxy = way.command(["sh", "-c", "echo $$; cat"]).spawn().unwrap();
        let mut stdout = BufReader::new(proxy.stdout.take().unwrap());
        let mut server = String::new();
        stdout.read_line(&mut server).unwrap();
        let stdin = proxy.stdin.take();
        kill(&proxy, Signal::KILL);
        proxy.wait().unwrap();
        // The end of its output: the server, which held the other end, is gone, as where its client was killed.
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        drop(stdin);
        let pid = Pid::from_raw(server.trim().parse().unwrap()).unwrap();
        // It has read the end of its input, and is waited for by whoever has it now.
        while rustix::process::test_kill_process(pid).is_ok() {
            thread::yield_now();
        }
    });
}

#[test]
fn a_client_that_is_slow_gets_all_that_a_server_said_before_it_ended() {
    in_all_ways(|way| {
        let script = "head -c 150000 /dev/zero; exit 6";
        let mut proxy = way.command(["sh", "-c", script]).spawn().unwrap();
        // Longer than output is waited for that does not come.
        thread::sleep(std::time::Duration::from_millis(2_500));
        let mut received = Vec::new();
        proxy
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut received)
            .unwrap();
        assert_eq!(received.len(), 150_000);
        assert_eq!(proxy.wait().unwrap().code(), Some(6));
    });
}

#[test]
fn a_client_that_takes_little_at_a_time_gets_all_that_a_server_said_before_it_ended() {
    let script = "head -c 200000 /dev/zero; exit 6";
    let mut proxy = Way::Reporting
        .command(["sh", "-c", script])
        .spawn()
        .unwrap();
    let mut stdout = proxy.stdout.take().unwrap();
    let mut received = Vec::new();
    for _ in 0..10 {
        // Longer in all than one is waited for that takes nothing.
        thread::sleep(std::time::Duration::from_millis(900));
        let mut little = [0; 4_096];
        stdout.read_exact(&mut little).unwrap();
        received.extend_from_slice(&little);
    }
    stdout.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), 200_000);
    assert_eq!(proxy.wait().unwrap().code(), Some(6));
}

#[test]
fn a_client_that_has_closed_standard_error_gets_its_server_all_the_same() {
    let mut proxy = crate::support::reporting_proxy(["echo", "here"]);
    proxy.env("USAGE_PROXY_WIRE", "grpc");
    let mut proxy = proxy.spawn().unwrap();
    drop(proxy.stderr.take());
    let mut said = String::new();
    proxy
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "here\n");
    assert!(proxy.wait().unwrap().success());
}

/// The letter by which /proc shows how a process is; `None` once it is waited for.
#[cfg(target_os = "linux")]
fn state_of(pid: Pid) -> Option<char> {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, state) = status.rsplit_once(") ")?;
    state.chars().next()
}

/// Waits until a process has ended, whoever is to wait for it.
#[cfg(target_os = "linux")]
fn wait_for_end_of(pid: Pid) {
    while state_of(pid).is_some_and(|state| state != 'Z') {
        thread::yield_now();
    }
}

/// The numbers that a server says on one line.
#[cfg(target_os = "linux")]
fn numbers(line: &str) -> Vec<Pid> {
    let numbers = line
        .split_whitespace()
        .map(|number| number.parse().unwrap());
    numbers
        .map(|number| Pid::from_raw(number).unwrap())
        .collect()
}

#[test]
#[cfg(target_os = "linux")]
fn no_kill_leaves_a_server_behind_even_one_that_never_reads() {
    use std::os::unix::process::CommandExt;

    behind_the_proxy(|way| {
        for killed in ["the proxy", "its group", "the relay", "both"] {
            let script = "echo $$ $PPID; exec sleep 600";
            // Nothing but a kill ends whoever ignores the others.
            let mut proxy = ignoring("HUP INT TERM", &way.command(["sh", "-c", script]));
            let mut proxy = proxy.process_group(0).spawn().unwrap();
            let mut stdout = BufReader::new(proxy.stdout.take().unwrap());
            let mut said = String::new();
            stdout.read_line(&mut said).unwrap();
            let [server, relay] = *numbers(&said) else {
                panic!("{said}");
            };
            let itself = Pid::from_raw(proxy.id() as i32).unwrap();
            // Where the client has put the proxy.
            assert_eq!(rustix::process::getpgid(Some(server)), Ok(itself));
            match killed {
                "the proxy" => kill_process(itself, Signal::KILL).unwrap(),
                "its group" => kill_process_group(itself, Signal::KILL).unwrap(),
                "the relay" => kill_process(relay, Signal::KILL).unwrap(),
                _ => {
                    kill_process(itself, Signal::KILL).unwrap();
                    // It may have ended by the first.
                    let _ = kill_process(relay, Signal::KILL);
                }
            }
            assert_eq!(proxy.wait().unwrap().signal(), Some(9), "{killed}");
            wait_for_end_of(server);
            wait_for_end_of(relay);
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "");
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn who_stops_the_proxy_stops_the_server() {
    behind_the_proxy(|way| {
        let mut proxy = way
            .command(["sh", "-c", "echo $$ $PPID; exec cat"])
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(proxy.stdout.take().unwrap());
        let mut said = String::new();
        stdout.read_line(&mut said).unwrap();
        let itself = Pid::from_raw(proxy.id() as i32).unwrap();
        for (signal, is_so) in [(Signal::TSTP, true), (Signal::CONT, false)] {
            kill(&proxy, signal);
            for process in [itself].into_iter().chain(numbers(&said)) {
                while (state_of(process) == Some('T')) != is_so {
                    thread::yield_now();
                }
            }
        }
        drop(proxy.stdin.take());
        assert!(proxy.wait().unwrap().success());
    });
}

#[test]
fn ends_that_do_not_wait_are_waited_for() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    behind_the_proxy(|way| {
        let (client, server) = UnixStream::pair().unwrap();
        // Shared with whoever handed it over, as an event loop's is.
        server.set_nonblocking(true).unwrap();
        let mut proxy = way.command(["sh", "-c", "echo ready; exec cat"]);
        proxy.stdin(OwnedFd::from(server.try_clone().unwrap()));
        proxy.stdout(OwnedFd::from(server));
        let mut running = proxy.spawn().unwrap();
        drop(proxy);
        let mut client = BufReader::new(client);
        let mut ready = String::new();
        // There was nothing to read by then.
        client.read_line(&mut ready).unwrap();
        // More than is taken at once, while the client does not read.
        let sent = vec![b'x'; 3_000_000];
        let writer = thread::spawn({
            let (mut client, sent) = (client.get_ref().try_clone().unwrap(), sent.clone());
            move || {
                client.write_all(&sent).unwrap();
                client.shutdown(std::net::Shutdown::Write).unwrap();
            }
        });
        thread::sleep(std::time::Duration::from_millis(200));
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        writer.join().unwrap();
        assert!(received == sent);
        assert!(running.wait().unwrap().success());
    });
}

#[test]
fn a_client_that_waits_for_the_end_before_it_reads_sees_it() {
    for way in [Way::Alone, Way::Reporting] {
        // More than the client's pipe holds.
        let script = "head -c 100000 /dev/zero & echo $$ >&2; exec sleep 600";
        let mut proxy = way.command(["sh", "-c", script]).spawn().unwrap();
        let mut server = String::new();
        BufReader::new(proxy.stderr.take().unwrap())
            .read_line(&mut server)
            .unwrap();
        let server = Pid::from_raw(server.trim().parse().unwrap()).unwrap();
        kill_process(server, Signal::KILL).unwrap();
        assert_eq!(proxy.wait().unwrap().signal(), Some(9));
    }
}

#[test]
fn a_client_that_is_killed_ends_the_server_by_a_broken_pipe() {
    in_all_ways(|way| {
        let mut proxy = way.command(["sh", "-c", "while echo line; do :; done"]);
        let mut proxy = proxy.stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (proxy.stdin.take().unwrap(), proxy.stdout.take().unwrap());
        // Both ends are the client's alone.
        let mut client = std::process::Command::new("sleep")
            .arg("600")
            .stdin(stdout)
            .stdout(stdin)
            .spawn()
            .unwrap();
        kill(&client, Signal::KILL);
        client.wait().unwrap();
        let ended = proxy.wait().unwrap();
        assert_eq!(ended.signal(), Some(Signal::PIPE.as_raw()));
    });
}

#[test]
fn a_descendant_that_keeps_writing_holds_up_no_end() {
    use std::time::{Duration, Instant};

    // It writes for half a minute, now and then or without a pause.
    for writes in [
        "for n in $(seq 60); do echo x; sleep 0.5; done",
        "timeout 30 yes x",
    ] {
        in_all_ways(|way| {
            let script = format!("head -c 150000 /dev/zero; ({writes}) & echo $! >&2; exit 7");
            let began = Instant::now();
            let mut proxy = way.command(["sh", "-c", &script]).spawn().unwrap();
            let mut stdout = proxy.stdout.take().unwrap();
            let client = thread::spawn(move || {
                let mut zeros = 0;
                let mut piece = [0; 65_536];
                while let Ok(read @ 1..) = stdout.read(&mut piece) {
                    zeros += piece[..read].iter().filter(|byte| **byte == 0).count();
                }
                zeros
            });
            let mut descendant = String::new();
            BufReader::new(proxy.stderr.take().unwrap())
                .read_line(&mut descendant)
                .unwrap();
            assert_eq!(proxy.wait().unwrap().code(), Some(7));
            let took = began.elapsed();
            assert!(took < Duration::from_secs(20), "{way:?} {took:?}");
            let descendant = Pid::from_raw(descendant.trim().parse().unwrap()).unwrap();
            let _ = kill_process(descendant, Signal::KILL);
            if way != Way::Alone {
                assert_eq!(client.join().unwrap(), 150_000, "{way:?}");
            }
        });
    }
}

#[test]
fn a_part_of_a_line_that_a_server_leaves_is_the_clients() {
    const LIST: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n";
    in_all_ways(|way| {
        // A descendant holds its output open.
        let script = "read -r line; printf part; sleep 600 & echo $! >&2; exit 5";
        let mut proxy = way.command(["sh", "-c", script]).spawn().unwrap();
        proxy.stdin.as_mut().unwrap().write_all(LIST).unwrap();
        let mut part = [0; 4];
        let read = proxy.stdout.as_mut().unwrap().read_exact(&mut part);
        assert_eq!(proxy.wait().unwrap().code(), Some(5));
        let mut sleeper = String::new();
        BufReader::new(proxy.stderr.take().unwrap())
            .read_line(&mut sleeper)
            .unwrap();
        let sleeper = Pid::from_raw(sleeper.trim().parse().unwrap()).unwrap();
        kill_process(sleeper, Signal::KILL).unwrap();
        read.unwrap();
        assert_eq!(&part, b"part", "{way:?}");
    });
}

#[test]
fn a_client_that_ignores_the_ends_of_its_children_gets_the_last_output_and_the_exit_code() {
    in_all_ways(|way| {
        let server = way.command(["sh", "-c", "echo last; exit 7"]);
        let output = ignoring("CHLD", &server).output().unwrap();
        assert_eq!(output.stdout, b"last\n", "{way:?}");
        assert_eq!(output.status.code(), Some(7), "{way:?}");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn signals_that_a_client_lets_be_ignored_end_nobody() {
    let ignored_by_the_server = |way: Way| {
        let script = "grep SigIgn: /proc/self/status; read -r line; exit 3";
        let server = way.command(["sh", "-c", script]);
        let server = ignoring("HUP INT QUIT USR1 USR2 ALRM TERM", &server).spawn();
        let mut server = server.unwrap();
        let mut ignored = String::new();
        let mut stdout = BufReader::new(server.stdout.take().unwrap());
        stdout.read_line(&mut ignored).unwrap();
        for signal in [
            Signal::HUP,
            Signal::INT,
            Signal::QUIT,
            Signal::USR1,
            Signal::USR2,
            Signal::ALARM,
            Signal::TERM,
        ] {
            kill(&server, signal);
        }
        server.stdin.take().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(server.wait().unwrap().code(), Some(3), "{way:?}");
        ignored
    };
    let alone = ignored_by_the_server(Way::Alone);
    assert!(alone.ends_with("6a07\n"), "{alone}");
    behind_the_proxy(|way| assert_eq!(ignored_by_the_server(way), alone, "{way:?}"));
}
