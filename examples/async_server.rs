//! A server on the loopback that answers as HTTP/1.0 does, with its handler in Lua.
//!
//! The handler waits (for a timer, for a backend) without holding up other requests: what it calls are
//! asynchronous Rust functions, and each request is a coroutine that one thread runs. Started without
//! arguments the example also plays its own clients, and ends when they have their answers.

use perilune::{Function, Lua, Result, Table};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The most bytes of a request.
const LONGEST: usize = 8192;

const HANDLER: &str = r#"
local visits = 0
local routes = {}

routes["/"] = function() return 200, "welcome" end

routes["/visits"] = function()
    visits = visits + 1
    return 200, "visit " .. visits
end

routes["/slow"] = function()
    sleep(50)
    return 200, "worth waiting for"
end

routes["/broken"] = function()
    local missing = nil
    return 200, missing.text
end

return function(request)
    local route = routes[request.path]
    if not route then return 404, "no " .. request.path .. " here" end
    if request.method ~= "GET" then return 405, "only GET" end
    return route(request)
end
"#;

/// What a request asks for: method and path. `None` for what is no request.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<(String, String)>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 512];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") && bytes.len() < LONGEST {
        match stream.read(&mut piece).await? {
            0 => break,
            n => bytes.extend_from_slice(&piece[..n]),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    let request = words.next().zip(words.next());
    Ok(request.map(|(method, path)| (method.to_owned(), path.to_owned())))
}

/// Asks the handler. What it does wrong is an answer, too.
async fn answer(lua: &Lua, handler: &Function, method: String, path: String) -> (u16, String) {
    let ask = async {
        let request: Table = lua.create_table()?;
        request.set("method", method)?;
        request.set("path", path)?;
        handler.call_async::<(u16, String)>(request).await
    };
    match ask.await {
        Ok(answer) => answer,
        Err(error) => {
            let message = error.to_string();
            (500, message.lines().next().unwrap_or_default().to_owned())
        }
    }
}

async fn serve(lua: Lua, handler: Function, mut stream: TcpStream) -> std::io::Result<()> {
    let (status, body) = match read_request(&mut stream).await? {
        Some((method, path)) => answer(&lua, &handler, method, path).await,
        None => (400, "no request".to_owned()),
    };
    let length = body.len();
    let head = format!("HTTP/1.0 {status}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// A client: asks for a path, and gives the status line and the body back.
async fn fetch(port: u16, method: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("{method} {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.lines().next().unwrap_or_default();
    Ok(format!("{method} {path}: {status}: {body}"))
}

async fn run() -> Result<()> {
    let lua = Lua::new();
    let sleep = lua.create_async_function(|_, milliseconds: u64| async move {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Ok(())
    })?;
    lua.globals().set("sleep", sleep)?;
    let handler: Function = lua.load(HANDLER).set_name("=handler").eval()?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.map_err(perilune::Error::external)?;
    let port = listener
        .local_addr()
        .map_err(perilune::Error::external)?
        .port();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (lua, handler) = (lua.clone(), handler.clone());
            tokio::task::spawn_local(async move {
                if let Err(error) = serve(lua, handler, stream).await {
                    eprintln!("a connection broke: {error}");
                }
            });
        }
    });

    // The slow request comes first, and is answered last.
    let slow = tokio::task::spawn_local(fetch(port, "GET", "/slow"));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/visits"),
        ("GET", "/visits"),
        ("PUT", "/visits"),
        ("GET", "/nowhere"),
        ("GET", "/broken"),
    ] {
        let answer = fetch(port, method, path).await;
        println!("{}", answer.map_err(perilune::Error::external)?);
    }
    let answer = slow.await.map_err(perilune::Error::external)?;
    println!("{}", answer.map_err(perilune::Error::external)?);
    Ok(())
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(perilune::Error::external)?;
    tokio::task::LocalSet::new().block_on(&runtime, run())
}
