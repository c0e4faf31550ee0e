//! The server in process, over real sockets.
