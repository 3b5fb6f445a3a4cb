package simulation

// SecretWebhookToken and SecretPhone stand in the answers of getSettings and
// getWaSettings. Neither may come out of an exporter anywhere.
const (
	SecretWebhookToken = "webhook-secret-that-nobody-may-see"
	SecretPhone        = "999000000777"
)

// UsualSettings is the answer of getSettings outside of incidents.
func UsualSettings() map[string]any {
	settings := map[string]any{
		"wid":                               SecretPhone + "@c.us",
		"countryInstance":                   "",
		"typeAccount":                       "",
		"webhookUrl":                        "https://hooks.example.com/greenapi",
		"webhookUrlToken":                   SecretWebhookToken,
		"delaySendMessagesMilliseconds":     1000,
		"markIncomingMessagesReaded":        "no",
		"markIncomingMessagesReadedOnReply": "no",
		"sharedSession":                     "no",
		"keepOnlineStatus":                  "no",
		"enableMessagesHistory":             "no",
		"proxyInstance":                     "system_proxy_server",
	}
	for _, flag := range []string{
		"outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "outgoingCallWebhook",
		"incomingWebhook", "incomingCallWebhook", "stateWebhook", "deviceWebhook",
		"pollMessageWebhook", "editedMessageWebhook", "deletedMessageWebhook",
	} {
		settings[flag] = "yes"
	}
	return settings
}

// UsualWaSettings is the answer of getWaSettings outside of incidents.
func UsualWaSettings() map[string]any {
	return map[string]any{
		"avatar":        "",
		"phone":         SecretPhone,
		"stateInstance": "authorized",
		"deviceId":      SecretPhone + ":12@s.whatsapp.net",
	}
}
