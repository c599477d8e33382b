//! A redirect is an answer. A stack that follows one makes a GET of a POST on its way, which is a lost append that looks
//! accepted; and it shows credentials to whom they were not meant for.

use http::{Method, header};

use super::caller::{Caller, get, post, request};
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_redirects_of_a_post_are_not_followed,
        transport_redirects_are_not_followed,
        transport_redirects_to_another_server_are_not_followed,
        transport_redirects_to_what_is_no_url_are_answers,
    ]
}

async fn transport_redirects_of_a_post_are_not_followed(cx: Context) {
    let server = cx.serve([]).await;
    let reply = Reply::new(301).header("Location", &server.url("/elsewhere"));
    server.reply(reply.body("moved"));
    server.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    let answer = caller.send(post(&server)).await;
    assert_eq!(answer.status(), 301);
    assert_eq!(answer.headers()[header::LOCATION], server.url("/elsewhere"));
    assert_eq!(caller.body(answer).await, "moved");
    assert_eq!(server.requests().len(), 1);
}

async fn transport_redirects_are_not_followed(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    let mut sent = 0;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for location in [server.url("/elsewhere"), "elsewhere?b=1".to_owned()] {
            for method in [
                Method::GET,
                Method::HEAD,
                Method::PUT,
                Method::POST,
                Method::DELETE,
            ] {
                // There is nothing in the script for a request that follows it.
                server.reply(Reply::new(status).header("Location", &location));
                let answer = caller
                    .send(request(method.clone(), server.url("/a"), ""))
                    .await;
                assert_eq!(answer.status(), status, "{method}");
                assert_eq!(answer.headers()[header::LOCATION], location);
                caller.body(answer).await;
                sent += 1;
                assert_eq!(server.requests().len(), sent, "{method} {status}");
            }
        }
    }
    server.assert_finished();
}

async fn transport_redirects_to_another_server_are_not_followed(cx: Context) {
    let (server, other) = (cx.serve([]).await, cx.serve([]).await);
    other.answer_with(|_, _| Reply::new(204));
    let caller = Caller::new(&cx);
    for status in [301, 307] {
        server.reply(Reply::new(status).header("Location", &other.url("/")));
        let mut request = get(&server);
        let token = "Bearer token".parse().expect("a value");
        request.headers_mut().insert("authorization", token);
        let answer = caller.send(request).await;
        assert_eq!(answer.status(), status);
        caller.body(answer).await;
    }
    assert_eq!(other.connections(), 0);
}

async fn transport_redirects_to_what_is_no_url_are_answers(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for location in ["http://[", "", "ftp://h/", "//", "%zz", "http://h:99999/"] {
        server.reply(Reply::new(301).header("Location", location));
        let answer = caller.send(post(&server)).await;
        assert_eq!(answer.status(), 301);
        assert_eq!(answer.headers()[header::LOCATION], location);
    }
    server.reply(Reply::new(302));
    assert_eq!(caller.send(post(&server)).await.status(), 302);
    server.assert_finished();
}
