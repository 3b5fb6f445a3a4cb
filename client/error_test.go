package client

import "testing"

func TestStatusReasons(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		body   string
		want   Reason
	}{
		{400, "Instance is deleted", ReasonDeleted},
		{400, `{"invokeStatus":{"description":"Instance 1101000001 is deleted"}}`, ReasonDeleted},
		{400, "Instance is not found", ReasonDeleted},
		{401, `{"message":"Instance 1101000001 is deleted"}`, ReasonDeleted},
		{401, `{"statusCode":401,"message":"instance with id 1101000001 not found"}`, ReasonDeleted},
		{401, "", ReasonUnauthorized},
		{401, "token not found", ReasonUnauthorized},
		{404, "instance not found", ReasonDeleted},
		{404, `{"statusCode":404,"path":"/waInstance1101000001/x/token","message":"Not Found"}`, ReasonNotFound},
		{404, `{"statusCode":404,"message":"Cannot GET /waInstance1101000001 not found"}`, ReasonNotFound},
		{404, `{"message":"instance method not found"}`, ReasonNotFound},
		{403, "instance not found", ReasonForbidden}, // which is documented as a wrong id or host
		{400, "Instance account is expired", ReasonExpired},
		{400, "instance is starting or not authorized", ReasonNotAuthorized},
		{500, "instance is deleted", ReasonServerError},
	} {
		if got := statusReason(test.status, []byte(test.body)); got != test.want {
			t.Errorf("%d %q: %s, want %s", test.status, test.body, got, test.want)
		}
	}
}
