package simulation

// Names of the methods that an account knows.
const (
	MethodLastOutgoingCalls    = "lastOutgoingCalls"
	MethodLastOutgoingMessages = "lastOutgoingMessages"
	MethodLastIncomingCalls    = "lastIncomingCalls"
	MethodLastIncomingMessages = "lastIncomingMessages"
	MethodGetStateInstance     = "getStateInstance"
	MethodGetSettings          = "getSettings"
	MethodGetWaSettings        = "getWaSettings"
	MethodGetAccountSettings   = "getAccountSettings"
	MethodGetMessagesCount     = "getMessagesCount"
)
