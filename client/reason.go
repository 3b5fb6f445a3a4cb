package client

// Reason says why a request failed. The set is closed, so that it can be the
// label of a metric.
type Reason string

// The reasons. Those of HTTP status 400, and a deleted instance, are told apart by the
// text of the answer.
const (
	ReasonUnauthorized  Reason = "unauthorized"   // 401: wrong token
	ReasonForbidden     Reason = "forbidden"      // 403: wrong id, wrong host, or a method that the plan lacks
	ReasonNotFound      Reason = "not_found"      // 404: method not offered by this instance or host
	ReasonRateLimited   Reason = "rate_limited"   // 429
	ReasonQuotaExceeded Reason = "quota_exceeded" // 466: the plan is used up
	ReasonStarting      Reason = "starting"       // 400: the instance is starting
	ReasonNotAuthorized Reason = "not_authorized" // 400: nobody is logged in on the instance
	ReasonExpired       Reason = "expired"        // 400: the account is not paid for
	ReasonDeleted       Reason = "deleted"        // 400, 401, 404: the instance is gone, as the text says
	ReasonClientError   Reason = "client_error"   // any other 3xx or 4xx; redirects are never followed
	ReasonServerError   Reason = "server_error"   // 499, 5xx
	ReasonTimeout       Reason = "timeout"        // no whole answer before the deadline
	ReasonCanceled      Reason = "canceled"       // nobody waits for the answer any more
	ReasonNetwork       Reason = "network"        // no connection, or it broke
	ReasonTooLarge      Reason = "too_large"      // the answer is larger than allowed
	ReasonMalformed     Reason = "malformed"      // not the JSON that was asked for
	ReasonBusy          Reason = "busy"           // no turn before the deadline: too many requests of our own
)

// Reasons returns every reason there is.
func Reasons() []Reason {
	return []Reason{
		ReasonUnauthorized, ReasonForbidden, ReasonNotFound, ReasonRateLimited, ReasonQuotaExceeded,
		ReasonStarting, ReasonNotAuthorized, ReasonExpired, ReasonDeleted, ReasonClientError,
		ReasonServerError, ReasonTimeout, ReasonCanceled, ReasonNetwork, ReasonTooLarge,
		ReasonMalformed, ReasonBusy,
	}
}

// phrase tells an operator what a reason means, and what to look at.
func (r Reason) phrase() string {
	switch r {
	case ReasonUnauthorized:
		return "the API does not accept the token"
	case ReasonForbidden:
		return "the API refuses this instance id on this host"
	case ReasonNotFound:
		return "the API does not offer this method for this instance"
	case ReasonRateLimited:
		return "too many requests: other clients of this instance count too"
	case ReasonQuotaExceeded:
		return "the quota of the plan is used up"
	case ReasonStarting:
		return "the instance is starting"
	case ReasonNotAuthorized:
		return "the instance is not authorized"
	case ReasonExpired:
		return "the account is expired"
	case ReasonDeleted:
		return "the instance is deleted"
	case ReasonClientError:
		return "the API refuses the request"
	case ReasonServerError:
		return "the API failed"
	case ReasonTimeout:
		return "no whole answer before the deadline"
	case ReasonCanceled:
		return "canceled, nobody waits for the answer any more"
	case ReasonNetwork:
		return "connection failed"
	case ReasonTooLarge:
		return "the answer is larger than allowed"
	case ReasonMalformed:
		return "the answer is not the JSON that was asked for"
	case ReasonBusy:
		return "no turn before the deadline: too many requests under way"
	default:
		return "unknown failure"
	}
}
