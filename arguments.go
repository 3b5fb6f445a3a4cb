package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

// value is the value of a flag. Told something that it does not take, it says what it
// takes, and never what it was told: a secret may have slipped into its place.
type value struct {
	takes      string // such as "a whole number from 1 up"
	example    string
	boolean    bool
	cumulative bool
	set        func(text string) (ok bool)
}

// Set implements kingpin.Value.
func (v *value) Set(text string) error {
	if !v.set(text) {
		return errors.New("must be " + v.takes)
	}
	return nil
}

// String implements kingpin.Value. The help shows defaults, not this.
func (*value) String() string { return "" }

// IsBoolFlag tells kingpin that the flag takes no value, and that --no-NAME turns it off.
func (v *value) IsBoolFlag() bool { return v.boolean }

// IsCumulative tells kingpin that the flag can be repeated.
func (v *value) IsCumulative() bool { return v.cumulative }

// durationValue takes durations that are good, which limits says in words.
func durationValue(target *time.Duration, limits, example string, good func(time.Duration) bool) *value {
	return &value{takes: "a duration with its units" + limits, example: example, set: func(text string) bool {
		d, err := config.ParseDuration(text)
		if err != nil || !good(d) {
			return false
		}
		*target = d
		return true
	}}
}

// numberValue takes whole numbers from least up.
func numberValue(target *int, least int, example string) *value {
	return &value{takes: fmt.Sprint("a whole number from ", least, " up"), example: example, set: func(text string) bool {
		n, err := strconv.Atoi(text)
		if err != nil || n < least {
			return false
		}
		*target = n
		return true
	}}
}

// sizes are numbers of bytes, as people and other programs write them.
var sizes = regexp.MustCompile(`(?i)^([0-9]+(?:\.[0-9]+)?) ?(?:([kmgt])i?)?b?$`)

// sizeValue takes numbers of bytes. K, KB and KiB are all 1024: the difference does not
// matter here.
func sizeValue(target *int64, example string) *value {
	return &value{takes: "a number of bytes from 1 up, with or without a unit (KiB, MiB, GiB)", example: example, set: func(text string) bool {
		match := sizes.FindStringSubmatch(text)
		if match == nil {
			return false
		}
		size, err := strconv.ParseFloat(match[1], 64)
		if unit := match[2]; unit != "" {
			size *= math.Pow(1024, float64(1+strings.Index("kmgt", strings.ToLower(unit))))
		}
		if err != nil || size < 1 || size > 1<<50 {
			return false
		}
		*target = int64(size)
		return true
	}}
}

// boolValue is turned on by --NAME and off by --no-NAME.
func boolValue(target *bool) *value {
	return &value{takes: "true or false", example: "false", boolean: true, set: func(text string) bool {
		b, err := strconv.ParseBool(text)
		if err != nil {
			return false
		}
		*target = b
		return true
	}}
}

// choiceValue takes one of the options, the first of which is the example.
func choiceValue(target *string, options ...string) *value {
	return &value{takes: "one of " + strings.Join(options, ", "), example: options[0], set: func(text string) bool {
		if !slices.Contains(options, text) {
			return false
		}
		*target = text
		return true
	}}
}

// prefixesValue takes number prefixes.
func prefixesValue(target *[]string) *value {
	return &value{takes: "at most 20 different prefixes of phone numbers, of 1 to 6 digits each, without +, separated by commas", example: "7,49,972", set: func(text string) bool {
		*target = config.SplitNumberPrefixes(text)
		return config.CheckNumberPrefixes(*target) == nil
	}}
}

// pathValue takes the path of the metrics.
func pathValue(target *string) *value {
	return &value{takes: "a path that begins with / and that no other endpoint has", example: "/metrics", set: func(text string) bool {
		*target = text
		return web.CheckTelemetryPath(text) == nil
	}}
}

// addressesValue takes addresses to listen on, one at a time.
func addressesValue(target *[]string) *value {
	return &value{takes: "HOST:PORT, or :PORT for all addresses", example: ":" + defaultPort, cumulative: true, set: func(text string) bool {
		*target = append(*target, text)
		if socket, ok := strings.CutPrefix(text, "vsock://"); ok {
			text = socket
		}
		_, port, err := net.SplitHostPort(text)
		if err != nil {
			return false
		}
		_, err = strconv.ParseUint(port, 10, 16)
		return err == nil
	}}
}

// readArguments returns the values that the command line gives to each flag, and all
// that does not belong there. What it does not know is not quoted: it may be a secret.
func readArguments(all []*kingpin.FlagModel, args []string) (map[string][]string, error) {
	given := make(map[string][]string)
	known := make(map[string]*kingpin.FlagModel)
	for _, flag := range all {
		known[flag.Name] = flag
	}
	var faults []error
	fault := func(text ...string) { faults = append(faults, errors.New(strings.Join(text, ""))) }
	for n := 0; n < len(args); n++ {
		name, long := strings.CutPrefix(args[n], "--")
		switch {
		case args[n] == "-h":
			continue
		case !long && strings.HasPrefix(name, "-") && len(name) > 1:
			fault("flags begin with two dashes", similarFlag(name[1:], all))
			continue
		case n > 0 && isSwitch(args[n]) && bySwitch(known, args[n-1]) != nil:
			fault(switchTakesNoValue(args[n-1], bySwitch(known, args[n-1])))
			continue
		case !long || name == "":
			fault("there are flags only, and no arguments; those that are on or off take no value: --no-NAME turns NAME off")
			return given, errors.Join(faults...) // what follows is perhaps of the same kind
		}
		name, text, hasText := strings.Cut(name, "=")
		flag := cmp.Or(known[name], bySwitch(known, "--"+name))
		switch {
		case flag == nil:
			fault("unknown flag ", config.Shown("--"+name), similarFlag(name, all))
		case flag.IsBoolFlag() && hasText:
			fault(switchTakesNoValue("--"+name, flag))
		case flag.IsBoolFlag():
		case hasText:
			given[name] = append(given[name], text)
		case n+1 == len(args) || strings.HasPrefix(args[n+1], "-"):
			fault("--", name, " needs a value", example("--"+name, flag))
		default:
			n++
			given[name] = append(given[name], args[n])
		}
	}
	return given, errors.Join(faults...)
}

// bySwitch returns the flag that --NAME turns on, or --no-NAME off; nil when it is
// none of that kind.
func bySwitch(known map[string]*kingpin.FlagModel, arg string) *kingpin.FlagModel {
	name, _ := strings.CutPrefix(arg, "--")
	flag := known[name]
	if positive, no := strings.CutPrefix(name, "no-"); flag == nil && no {
		flag = known[positive]
	}
	if flag == nil || !flag.IsBoolFlag() {
		return nil
	}
	return flag
}

func switchTakesNoValue(arg string, flag *kingpin.FlagModel) string {
	return arg + " takes no value: --" + flag.Name + " turns it on, and --no-" + flag.Name + " off"
}

// isSwitch tells what people put behind a flag that takes no value.
func isSwitch(text string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "1", "0"}, strings.ToLower(text))
}

// unfitValues finds values that do not parse, by flag or environment variable; all
// of them. It sets the flags anew: what repeats is doubled.
func unfitValues(all []*kingpin.FlagModel, given map[string][]string) error {
	var faults []error
	for _, flag := range all {
		source, values := "--"+flag.Name, given[flag.Name]
		if value := os.Getenv(flag.Envar); values == nil && flag.Envar != "" && value != "" {
			source, values = flag.Envar, strings.Split(strings.TrimRight(value, "\n"), "\n")
		}
		for _, value := range values {
			if err := flag.Value.Set(value); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w%s", source, err, example(source, flag)))
			}
		}
	}
	return errors.Join(faults...)
}

// example shows how a flag, or its variable, can be set.
func example(source string, flag *kingpin.FlagModel) string {
	if v, ok := flag.Value.(*value); ok {
		return ", such as " + source + "=" + v.example
	}
	return ""
}

// unknownVariables warns of environment variables that look like those of flags, and
// that nobody reads.
func unknownVariables(all []*kingpin.FlagModel, environment []string) []config.Warning {
	read := make(map[string]bool)
	for _, flag := range all {
		read[flag.Envar] = true
	}
	var warnings []config.Warning
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || read[name] || notOurs.MatchString(rest) {
			continue
		}
		message := "is read by nothing: --help lists the flags, and their variables"
		if flag := nearestFlag(rest, all); flag != nil && flag.Envar != "" {
			message = "is read by nothing: did you mean " + flag.Envar + "?"
		}
		warnings = append(warnings, config.Warning{Path: strings.Trim(config.Shown(name), `"`), Message: message})
	}
	return warnings
}

// envPrefix begins the variables of flags.
const envPrefix = "GREENAPI_EXPORTER_"

// notOurs are what others set with the same prefix: Kubernetes for each service that
// is called greenapi-exporter, or begins so, and builders of images.
var notOurs = regexp.MustCompile(`^(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_.*)?)?)$|^(?:VERSION|HELP)$`)

// similarFlag tells which flag was perhaps meant.
func similarFlag(name string, known []*kingpin.FlagModel) string {
	name, _, _ = strings.Cut(name, "=")
	if flag := nearestFlag(name, known); flag != nil {
		return ": did you mean --" + flag.Name + "?"
	}
	return ": --help lists the flags"
}

// nearestFlag returns the flag whose name ends or begins with the words that are
// given, or else differs from them in few letters; nil if none does. The separators of
// variables are as good as those of flags.
func nearestFlag(name string, known []*kingpin.FlagModel) *kingpin.FlagModel {
	words := func(name string) string {
		return strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToLower(name))
	}
	wanted := strings.TrimPrefix(words(name), "no_")
	byWords, all := make(map[string]*kingpin.FlagModel), []string(nil)
	for _, flag := range known {
		if !flag.Hidden {
			byWords[words(flag.Name)] = flag
			all = append(all, words(flag.Name))
		}
	}
	for _, fits := range []func(flag string) bool{
		func(flag string) bool { return strings.HasSuffix("_"+flag, "_"+wanted) },
		func(flag string) bool { return strings.HasSuffix("_"+wanted, "_"+flag) },
		func(flag string) bool { return strings.HasPrefix(flag, wanted+"_") },
	} {
		if n := slices.IndexFunc(all, fits); n >= 0 {
			return byWords[all[n]]
		}
	}
	near, _ := config.Nearest(wanted, all)
	return byWords[near]
}

// misnamedAccount warns of variables that are called nearly as those of an account
// are, which nobody reads.
func misnamedAccount(environment []string) []config.Warning {
	var warnings []config.Warning
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(strings.Replace(name, "GREEN_API_", "GREENAPI_", 1), "GREENAPI_")
		if !ours || strings.HasPrefix(name, envPrefix) {
			continue
		}
		meant := ""
		switch {
		case name == config.EnvID, name == config.EnvToken, name == config.EnvAPIURL:
			continue
		case strings.Contains(rest, "TOKEN"):
			meant = config.EnvToken
		case strings.Contains(rest, "URL"), strings.Contains(rest, "HOST"):
			meant = config.EnvAPIURL
		case strings.Contains(rest, "ID"), strings.Contains(rest, "INSTANCE"):
			meant = config.EnvID
		default:
			continue
		}
		warnings = append(warnings, config.Warning{
			Path: strings.Trim(config.Shown(name), `"`), Message: "is read by nothing: did you mean " + meant + "?",
		})
	}
	return warnings
}
