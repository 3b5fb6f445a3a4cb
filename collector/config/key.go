package config

import (
	"slices"
	"strings"
)

// unknownKey says that key is none of those known, and which was perhaps meant.
func unknownKey(key string, known []string) string {
	message := "unknown key " + Shown(key)
	if near, ok := Nearest(key, known); ok && quotable(key) {
		return message + ": did you mean " + near + "?"
	}
	known = slices.Sorted(slices.Values(known))
	return message + ": the keys here are " + strings.Join(known, ", ")
}

// Shown quotes a key, unless it may be a value that slipped into a key's place.
func Shown(key string) string {
	if !quotable(key) {
		return "(not shown, it may be a secret)"
	}
	return `"` + key + `"`
}

// pathElement is a key as part of a path.
func pathElement(key string) string {
	if !quotable(key) {
		return "(not shown)"
	}
	return key
}

// quotable tells a key from a token or a phone number: words of letters, at most
// 40 characters, with a digit or three only while they are short.
func quotable(key string) bool {
	if key == "" || len(key) > 40 {
		return false
	}
	digits := 0
	for _, c := range []byte(key) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-', c == '.':
		case '0' <= c && c <= '9':
			digits++
		default:
			return false
		}
	}
	return digits == 0 || digits <= 3 && len(key) <= 20
}

// Nearest returns the known key that differs from key in the fewest letters, if
// these are at most a third of it.
func Nearest(key string, known []string) (string, bool) {
	best, fewest := "", len(key)/3+1
	for _, k := range known {
		if d := distance(key, k); d < fewest {
			best, fewest = k, d
		}
	}
	return best, best != ""
}

// distance is Levenshtein's: how many letters to insert, remove or replace.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a) // no known key is as long
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
