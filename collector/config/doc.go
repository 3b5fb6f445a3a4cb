// Package config reads the configuration: which GREEN-API instances to ask, and
// as whom.
//
// A [Config] comes from a YAML file ([File.Load], [Parse]) or from the environment
// ([FromEnvironment]) and has passed every check by then; whoever holds one need
// not check it again. What is wrong comes back all at once, as [Faults], each with
// its place and how to mend it. No fault and no warning quotes a value of the
// file, for a value may be a token: only keys are shown.
package config
