//! The mock ingest's server: the loop over connections, and over the requests of one.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::answer::{Action, Answer};
use super::check_request::CheckedRequest;
use super::contract::Violation;
use super::head::{BodyLength, ReadError};
use super::http::{Connection, Portion};
use super::received::ReceivedRequest;
use super::store::{IngestStore, KeptRequest};

/// The pause after a failed accept (too many open files, for one), so that it is not tried in a hot loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts connections for as long as the runtime lives.
pub(super) async fn accept(listener: TcpListener, store: Arc<IngestStore>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(Arc::clone(&store), stream));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// What to do with a connection after a request.
enum AfterRequest {
    Request,
    Close,
    /// Closes it in a way that lets the client read the answer although it is still sending.
    CloseGently,
    Reset,
}

async fn serve(store: Arc<IngestStore>, stream: TcpStream) {
    let mut server = ConnectionServer {
        number: store.add_connection(),
        store,
        connection: Connection::new(stream),
        body: Vec::new(),
    };
    loop {
        match server.serve_request().await {
            AfterRequest::Request => {}
            AfterRequest::Close => return,
            AfterRequest::CloseGently => return server.connection.close_after_answer().await,
            AfterRequest::Reset => return server.connection.reset(),
        }
    }
}

/// Serves the requests of one connection, one after the other.
struct ConnectionServer {
    store: Arc<IngestStore>,
    connection: Connection,
    /// The number of the connection, counted from 1.
    number: u64,
    /// The body being read. An unchecked ingest, which keeps none, uses the same memory again and again.
    body: Vec<u8>,
}

impl ConnectionServer {
    /// Reads one request and answers it.
    async fn serve_request(&mut self) -> AfterRequest {
        let head = match self.connection.read_head().await {
            Ok(Some(head)) => head,
            Ok(None) | Err(ReadError::Disconnected) => return AfterRequest::Close,
            Err(ReadError::Unreadable(status, reason)) => {
                self.store.record_violation(format!("request: {reason}"));
                return self.refuse(Answer::refusal(status, reason)).await;
            }
        };
        let (framing, expects_continue) = (head.framing, head.expects_continue());
        let (mut answer, unexpected) = self.store.next_answer();
        answer.close |= !head.keeps_alive();
        let request = ReceivedRequest {
            connection: self.number,
            unexpected,
            ..head.request
        };
        self.body.clear();
        if answer.action == Action::ResetBeforeBody {
            self.record_partial(request, None, &answer);
            return AfterRequest::Reset;
        }
        if expects_continue {
            // A body that is announced as too large is refused unread.
            if let BodyLength::Length(length) = framing
                && let Some((status, reason)) = self.store.rules.size_refusal(length, 0)
                && answer.accepts()
            {
                let refusal = Answer::refusal(status, reason);
                self.record_partial(request, None, &refusal);
                return self.refuse(refusal).await;
            }
            if self.connection.send_continue().await.is_err() {
                return AfterRequest::Close;
            }
        }
        let portion = if answer.action == Action::ResetInBody {
            Portion::Half
        } else {
            Portion::Whole
        };
        let read = self.connection.read_body(framing, portion, &mut self.body);
        match read.await {
            Ok(()) if portion == Portion::Whole => self.answer(request, answer).await,
            Ok(()) => {
                self.record_partial(request, None, &answer);
                AfterRequest::Reset
            }
            Err(ReadError::Disconnected) => {
                self.record_partial(request, None, &Answer::reset_in_body());
                AfterRequest::Close
            }
            Err(ReadError::Unreadable(status, reason)) => {
                let refusal = Answer::refusal(status, reason);
                let violation = Violation::new("request", reason);
                self.record_partial(request, Some(violation), &refusal);
                self.refuse(refusal).await
            }
        }
    }

    /// Answers a request that was read to its end.
    async fn answer(&mut self, mut request: ReceivedRequest, scripted: Answer) -> AfterRequest {
        let checked = self.store.rules.check_request(&request, &self.body);
        let scripted = self.store.answer_by_text(&self.body).unwrap_or(scripted);
        let mut answer = checked.answer(scripted);
        if answer.accepts()
            && let Some(shed) = self.store.shed(checked.event_count)
        {
            answer = checked.answer(Answer {
                close: answer.close,
                ..shed
            });
        }
        request.body_complete = true;
        let kept = self
            .store
            .record_request(request, &mut self.body, checked, &answer);
        if !answer.is_immediate() {
            if !self.connection.stays_for(answer.delay).await
                || !self.stays_until_released(&answer, &kept).await
            {
                return AfterRequest::Close;
            }
            self.store.record_answer(&kept, &answer);
        }
        if answer.action == Action::ResetAfterBody {
            return AfterRequest::Reset;
        }
        match self.connection.send(&answer).await {
            Ok(true) => AfterRequest::Request,
            Ok(false) => AfterRequest::CloseGently,
            Err(_) => AfterRequest::Close,
        }
    }

    /// Waits for the release of a held answer, and returns whether the client is still connected after it.
    async fn stays_until_released(&mut self, answer: &Answer, kept: &KeptRequest) -> bool {
        if !answer.held {
            return true;
        }
        let mut releases = self.store.releases.subscribe();
        let released = async {
            // The sender lives in the store, so this ends by a release alone.
            let _ = releases
                .wait_for(|releases| *releases > kept.releases)
                .await
                .is_ok();
        };
        self.connection.stays_until(released).await
    }

    /// Answers a request that could not be read, and ends the connection: where the next one starts is not known.
    async fn refuse(&mut self, refusal: Answer) -> AfterRequest {
        let answer = CheckedRequest::default().answer(refusal.close());
        let _ = self.connection.send(&answer).await;
        AfterRequest::CloseGently
    }

    /// Keeps a request whose body did not arrive to its end, for whatever reason.
    fn record_partial(
        &mut self,
        request: ReceivedRequest,
        violation: Option<Violation>,
        answer: &Answer,
    ) {
        let checked = CheckedRequest {
            violation,
            ..CheckedRequest::default()
        };
        self.store
            .record_request(request, &mut self.body, checked, answer);
    }
}
