//! The mock ingest's server: the loop over connections, and over the requests of one.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::answer::{Answer, How};
use super::contract::Violation;
use super::http::{Connection, Framing, Head, Portion, ReadError};
use super::judge::Judgement;
use super::store::{Arrival, Settlement, Shared};

/// The pause after a failed accept (too many open files, for one), so that it is not tried in a hot loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts connections for as long as the runtime lives.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(Arc::clone(&shared), stream));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// What to do with a connection after a request.
enum Next {
    Request,
    Close,
    /// Closes it in a way that lets the client read the answer although it is still sending.
    CloseGently,
    Reset,
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let mut serving = Serving {
        number: shared.connected(),
        shared,
        connection: Connection::new(stream),
        body: Vec::new(),
    };
    loop {
        match serving.exchange().await {
            Next::Request => {}
            Next::Close => return,
            Next::CloseGently => return serving.connection.close_after_answer().await,
            Next::Reset => return serving.connection.reset(),
        }
    }
}

struct Serving {
    shared: Arc<Shared>,
    connection: Connection,
    number: u64,
    /// The body being read. An unchecked ingest, which keeps none, uses the same memory again and again.
    body: Vec<u8>,
}

impl Serving {
    /// Reads one request and answers it.
    async fn exchange(&mut self) -> Next {
        let (head, framing) = match self.read_head().await {
            Ok(Some(request)) => request,
            Ok(None) | Err(ReadError::Left) => return Next::Close,
            Err(ReadError::Bad(status, reason)) => {
                self.shared.note(format!("request: {reason}"));
                return self.refuse(Answer::refusal(status, reason)).await;
            }
        };
        let (scripted, unexpected) = self.shared.next_answer();
        self.body.clear();
        if scripted.how == How::ResetBeforeBody {
            self.cut_off(head, unexpected, None, &scripted);
            return Next::Reset;
        }
        if head.expects_continue() {
            // A body that is announced as too large is refused unread.
            if let Some(refusal) = self.shared.rules.refusal_of_length(framing)
                && scripted.yields_to_checks()
            {
                self.cut_off(head, unexpected, None, &refusal);
                return self.refuse(refusal).await;
            }
            if self.connection.say_continue().await.is_err() {
                return Next::Close;
            }
        }
        let portion = if scripted.how == How::ResetInBody {
            Portion::Half
        } else {
            Portion::Whole
        };
        match self.connection.body(framing, portion, &mut self.body).await {
            Ok(()) if portion == Portion::Whole => self.answer(head, scripted, unexpected).await,
            Ok(()) => {
                self.cut_off(head, unexpected, None, &scripted);
                Next::Reset
            }
            Err(ReadError::Left) => {
                self.cut_off(head, unexpected, None, &Answer::reset_in_body());
                Next::Close
            }
            Err(ReadError::Bad(status, reason)) => {
                let refusal = Answer::refusal(status, reason);
                self.cut_off(
                    head,
                    unexpected,
                    Some(Violation::new("request", reason)),
                    &refusal,
                );
                self.refuse(refusal).await
            }
        }
    }

    async fn read_head(&mut self) -> Result<Option<(Head, Framing)>, ReadError> {
        let Some(head) = self.connection.head().await? else {
            return Ok(None);
        };
        let framing = head.framing()?;
        Ok(Some((head, framing)))
    }

    async fn answer(&mut self, head: Head, scripted: Answer, unexpected: bool) -> Next {
        let keep_alive = head.keeps_alive() && !scripted.close;
        let mut judgement = self.shared.rules.judge(&head, &self.body);
        let answer = judgement.answer(scripted);
        let content = judgement.content(&answer);
        let arrival = self.arrival(head, unexpected, true);
        let settlement = self.shared.arrive(arrival, &mut judgement, &answer);
        if !answer.is_immediate() {
            if !self.connection.stays_for(answer.delay).await
                || !self.stays_until_released(&answer, &settlement).await
            {
                return Next::Close;
            }
            self.shared.settle(&settlement);
        }
        if answer.how == How::ResetAfterBody {
            return Next::Reset;
        }
        match self.connection.send(&answer, &content, keep_alive).await {
            Ok(true) => Next::Request,
            Ok(false) => Next::CloseGently,
            Err(_) => Next::Close,
        }
    }

    async fn stays_until_released(&mut self, answer: &Answer, settlement: &Settlement) -> bool {
        if !answer.held {
            return true;
        }
        let mut releases = self.shared.releases.subscribe();
        let released = async {
            // The sender lives in `shared`, so this cannot end for want of one.
            let _ = releases
                .wait_for(|releases| *releases > settlement.releases)
                .await
                .is_ok();
        };
        self.connection.stays_until(released).await
    }

    /// Answers a request that could not be read, and ends the connection: where the next one starts is not known.
    async fn refuse(&mut self, answer: Answer) -> Next {
        let content = Judgement::of_no_event(None, None).content(&answer);
        let _ = self.connection.send(&answer, &content, false).await;
        Next::CloseGently
    }

    /// Keeps a request whose body did not arrive to its end, for whatever reason.
    fn cut_off(
        &mut self,
        head: Head,
        unexpected: bool,
        violation: Option<Violation>,
        answer: &Answer,
    ) {
        let mut judgement = Judgement::of_no_event(violation, None);
        let arrival = self.arrival(head, unexpected, false);
        self.shared.arrive(arrival, &mut judgement, answer);
    }

    fn arrival(&mut self, head: Head, unexpected: bool, body_complete: bool) -> Arrival {
        let body_bytes = self.body.len();
        let body = if self.shared.rules.unchecked {
            Vec::new()
        } else {
            std::mem::take(&mut self.body)
        };
        Arrival {
            head,
            body,
            body_bytes,
            body_complete,
            connection: self.number,
            unexpected,
        }
    }
}
