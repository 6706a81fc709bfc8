//! The simulator's answers: the API's media types, and its `application/problem+json` errors.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

/// The answer of an operation that worked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Hal(Value),
    NoContent,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// 400 about the request as a whole.
    BadRequest(String),
    /// 400 that names fields.
    Invalid(Vec<FieldError>),
    /// 401, which has a shape of its own.
    Unauthorized,
    /// 403, in the server's words.
    Forbidden(String),
    NotFound,
    /// 405; names the method that is allowed.
    MethodNotAllowed(&'static str),
    /// Any other status.
    Other(u16),
}

/// One field that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub code: &'static str,
    /// `organizations[0].accountGroups[3].value`
    pub field: String,
    pub message: String,
}

impl Answer {
    pub(super) fn into_response(self) -> Response {
        match self {
            Self::Hal(value) => response(StatusCode::OK, "application/hal+json", &value),
            Self::NoContent => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
        }
    }
}

impl Problem {
    /// What a fault with this status looks like.
    pub(super) fn asked_for(status: u16, path: &str) -> Self {
        let permission = if path.contains("/usage") {
            "View organization usage"
        } else {
            "Edit organization and account group quotas"
        };
        match status {
            400 => Self::BadRequest("The simulator was asked to refuse this.".to_owned()),
            401 => Self::Unauthorized,
            403 => Self::Forbidden(format!("You need the '{permission}' permission.")),
            404 => Self::NotFound,
            status => Self::Other(status),
        }
    }

    /// `path` is what was asked for, the `instance` of the problem.
    pub(super) fn into_response(self, path: &str) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = response(status, "application/problem+json", &self.body(status, path));
        if let Self::MethodNotAllowed(method) = self {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
        }
        answer
    }

    fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) | Self::Invalid(_) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::Other(status) => *status,
        }
    }

    fn body(&self, status: StatusCode, path: &str) -> Value {
        if matches!(self, Self::Unauthorized) {
            return json!({"error": "invalid_token", "error_description": "Invalid access token"});
        }
        let mut problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": self.detail(),
            "instance": path,
        });
        if let Self::Invalid(errors) = self {
            problem["title"] = json!("Request validation failed. There are invalid or missing fields");
            let error = |e: &FieldError| json!({"code": e.code, "field": e.field, "message": e.message});
            problem["errors"] = errors.iter().map(error).collect();
        }
        problem
    }

    fn detail(&self) -> &str {
        match self {
            Self::BadRequest(detail) | Self::Forbidden(detail) => detail,
            Self::Invalid(_) => "Your request object contains invalid fields.",
            Self::NotFound => "There is nothing at this URI.",
            Self::MethodNotAllowed(_) => "This URI has another method.",
            Self::Other(413) => "The request body is too large.",
            Self::Other(429) => "The organization's rate limit is exhausted.",
            Self::Unauthorized | Self::Other(_) => "The simulator was asked for this answer.",
        }
    }
}

fn response(status: StatusCode, media_type: &'static str, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
