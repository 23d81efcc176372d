//! Both fakes over HTTP, quirk by quirk, as any client would see them.

mod ado;
mod clickup;
