//! Threads that do what they are told, one thing at a time, and futures that do it when they are polled.
//!
//! The program of a test case hands them its steps. Threads wait for the next case when one ends, so that they meet many layers in
//! their lives. It must never let two threads run at once, or the model would have to guess.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use tracing::{Instrument, Span};
use tracing_core::Dispatch;

type Work = Box<dyn FnOnce() + Send>;

/// A thread.
pub(crate) struct Worker {
    todo: Sender<Work>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

impl Worker {
    /// One that has worked before, if there is one.
    pub(crate) fn any() -> Worker {
        IDLE.lock().unwrap().pop().unwrap_or_else(Worker::new)
    }

    pub(crate) fn new() -> Worker {
        let (todo, work) = channel::<Work>();
        let (say, done) = channel();
        let thread = std::thread::spawn(move || {
            for work in work {
                work();
                say.send(()).unwrap();
            }
        });
        Worker { todo, done, thread }
    }

    pub(crate) fn run<R: Send + 'static>(&self, dispatch: &Dispatch, work: impl FnOnce() -> R + Send + 'static) -> R {
        let (dispatch, result) = (dispatch.clone(), Arc::new(Mutex::new(None)));
        let give = result.clone();
        let work = move || *give.lock().unwrap() = Some(tracing_core::dispatcher::with_default(&dispatch, work));
        self.todo.send(Box::new(work)).unwrap();
        self.done.recv().expect("the thread did its work");
        result.lock().unwrap().take().unwrap()
    }

    /// Lets the thread wait for the next case.
    pub(crate) fn rest(self) {
        IDLE.lock().unwrap().push(self);
    }

    pub(crate) fn end(self) {
        drop(self.todo);
        self.thread.join().unwrap();
    }
}

/// A future inside of one or two spans, which never ends by itself.
pub(crate) struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    next: Arc<Mutex<Option<Work>>>,
}

impl Task {
    pub(crate) fn new(outer: Span, inner: Option<Span>) -> Task {
        let next = Arc::<Mutex<Option<Work>>>::default();
        let steps = Steps(next.clone());
        let future: Pin<Box<dyn Future<Output = ()> + Send>> = match inner {
            Some(inner) => Box::pin(steps.instrument(inner).instrument(outer)),
            None => Box::pin(steps.instrument(outer)),
        };
        Task { future, next }
    }

    /// Does `work` inside of the spans, and yields.
    pub(crate) fn poll(&mut self, work: impl FnOnce() + Send + 'static) {
        *self.next.lock().unwrap() = Some(Box::new(work));
        assert!(self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    /// Ends the future, which does `work` when it is dropped inside of the spans.
    pub(crate) fn cancel(self, work: impl FnOnce() + Send + 'static) {
        *self.next.lock().unwrap() = Some(Box::new(work));
    }
}

struct Steps(Arc<Mutex<Option<Work>>>);

impl Steps {
    fn step(&self) {
        let work = self.0.lock().unwrap().take();
        work.into_iter().for_each(|work| work());
    }
}

impl Future for Steps {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.step();
        Poll::Pending
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.step();
    }
}
