//! What a server must do.
