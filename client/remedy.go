package client

// Remedy tells an operator what to do about a failure, in one phrase; it is empty
// where nothing has to be done.
func (r Reason) Remedy() string {
	switch r {
	case ReasonUnauthorized:
		return "copy the instance's token (apiTokenInstance) from the GREEN-API console again"
	case ReasonForbidden:
		return "check the id, and that api_url is the one that the GREEN-API console shows for this instance"
	case ReasonNotFound:
		return "check api_url; if the instance really lacks the method, leave the collector out"
	case ReasonRateLimited:
		return "let other programs that use this instance send fewer requests, or scrape less often"
	case ReasonQuotaExceeded:
		return "wait until the quota is renewed, or change the plan in the GREEN-API console"
	case ReasonStarting:
		return "wait 5 minutes; if it lasts, reboot the instance in the GREEN-API console"
	case ReasonNotAuthorized:
		return "log in again: scan the QR code in the GREEN-API console"
	case ReasonExpired:
		return "pay for the instance in the GREEN-API console, or take it out of the configuration"
	case ReasonDeleted:
		return "take the instance out of the configuration"
	case ReasonClientError:
		return "check api_url, and what a proxy in between does with the request"
	case ReasonServerError:
		return "wait; if it lasts, ask the support of GREEN-API"
	case ReasonTimeout:
		return "check the connection to api_url; if the answers are large, shorten the window or raise the timeouts"
	case ReasonNetwork:
		return "check api_url, the name server, the firewall and the proxy"
	case ReasonTooLarge:
		return "shorten the window, or raise --greenapi.max-body-bytes"
	case ReasonMalformed:
		return "check that api_url leads to the API, and not to a web page or a proxy"
	case ReasonBusy:
		return "raise --greenapi.concurrency, or scrape less often"
	default:
		return ""
	}
}
