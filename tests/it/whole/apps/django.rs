//! Django, with its own middleware for a name that comes in a header.

use super::super::browser::field;
use super::{Application, Behind, blocks, write};
use crate::whole::site::WIKI;

/// One page with a form, served by Python's own server: nothing between the gateway and Django's WSGI.
const SITE: &str = r#"
import sys
import django
from django.conf import settings
from django.core.management import call_command

exec(open("recipe.py").read())
settings.configure(
    SECRET_KEY="of the test", ROOT_URLCONF="__main__",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    **{name: value for name, value in globals().items() if name.isupper()})
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth import logout
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path

def page(request):
    said = f"{request.user.username}|{request.user.is_authenticated}|{request.user.is_superuser}"
    if request.method == "POST":
        return HttpResponse(f"posted {request.POST['word']} by {said}")
    return HttpResponse(f'{said}|{request.build_absolute_uri()}|'
                        f'<input name="csrf" value="{get_token(request)}">')

def leave(request):
    logout(request)
    return HttpResponse("left")

urlpatterns = [path("", page), path("accounts/logout/", leave)]

from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
from django.core.wsgi import get_wsgi_application

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), Server).serve_forever()
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_django_site_knows_who_is_signed_in_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let [middleware, settings] = blocks("Django", "python")[..] else {
        panic!("the recipe has a middleware and its settings");
    };
    write(dir.path(), "middleware.py", middleware);
    write(
        dir.path(),
        "recipe.py",
        &settings.replace("tickets.example.com", WIKI),
    );
    let site = write(dir.path(), "tickets.py", SITE);
    let django = Application::start(dir.path(), |port| {
        vec![site.to_str().unwrap().to_owned(), port.to_string()]
    })
    .await;
    let behind = Behind::start("Django", django.address).await;

    let (_, mut browser) = behind.person("åsa", "Åsa Öberg", &[]).await;
    let home = behind.url("/");
    let page = browser.open(&home).await;
    let text = page.text();
    assert!(
        text.starts_with(&format!("åsa|True|False|{home}|")),
        "{}\n{text}",
        page.head
    );

    // a form with Django's own protection against forgery, which compares Origin with what it takes itself for
    let csrf = field(&text, "csrf").unwrap();
    let mut post = browser.visit(&home);
    post.method = "POST";
    post.kind = "application/x-www-form-urlencoded";
    post.origin = Some(behind.url(""));
    post.site = "same-origin";
    post.body = Some(format!("csrfmiddlewaretoken={csrf}&word=hello"));
    let answer = browser.send(post.clone()).await;
    assert_eq!(
        answer.text(),
        "posted hello by åsa|True|False",
        "{}",
        answer.head
    );
    post.body = Some("csrfmiddlewaretoken=wrong&word=hello".to_owned());
    assert_eq!(browser.send(post).await.status, 403, "Django's own check");

    // CGI makes one name of these; Django would join them, or take the last
    for forged in ["Remote-User", "Remote_User", "REMOTE-USER", "Remote.User"] {
        let mut ask = browser.visit(&home);
        ask.more = format!("{forged}: root\r\n");
        if let Some(answer) = browser.try_send(&ask).await {
            let refused = answer.status == 400;
            assert!(
                refused || answer.text().starts_with("åsa|True|False|"),
                "{forged}: {}",
                answer.text()
            );
        }
    }

    // the application's own sign-out is everybody's
    let answer = browser.get(&behind.url("/accounts/logout/")).await;
    assert!(answer.status < 400, "{}", answer.head);
    let answer = browser.get(&home).await;
    assert!(
        (300..400).contains(&answer.status) && answer.header("location").is_some(),
        "{}",
        answer.head
    );
    behind.running.stop().await;
}
