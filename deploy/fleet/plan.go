package fleet

import (
	"math"
	"time"
)

// What an account takes. Those of memory, volume and processor time are measured, see
// deploy/performance.md, and rounded up; the others are counted by this package's test.
const (
	SeriesPerAccount = 550   // of an account with private and group chats, of 1,500 messages a day
	ScrapeBytes      = 7_000 // of an answer of /probe, with gzip
	RowBytes         = 420   // of a row of a journal, without compression
	ProcessMemory    = 20e6  // bytes
	AccountMemory    = 50e3  // bytes
	RecordMemory     = 60    // bytes of a record that is remembered
	RecordVolume     = 28    // bytes of a record in a state file
	RefreshTime      = 2e-3  // seconds of a processor for a refresh
	RowTime          = 3e-6  // seconds of a processor for a row
	StorageBytes     = 1     // of a sample in VictoriaMetrics
	StorageMemory    = 1_000 // bytes in VictoriaMetrics for an active series
	retentionDays    = 7     // --ledger.retention
	accountsPerPair  = 3_000 // of agents: what make fleet tries
	spare            = 1.1   // of --web.max-requests
	limit            = 2     // times the memory: what a pod may take
	volumeFolded     = 2     // times the volume, while a state file is folded
	day              = 24 * time.Hour
)

// Load is what a fleet has to do.
type Load struct {
	Accounts      int
	RecordsPerDay int // messages and calls of an account
	Shards        int // exporters that share the accounts
	Scrapers      int // servers or agents that scrape each account
	Interval      time.Duration
	Window        time.Duration
}

// Plan is what that takes.
type Plan struct {
	AccountsPerShard int
	MaxRequests      int     // --web.max-requests of a shard
	ShardCPU         float64 // processors
	ShardMemory      float64 // bytes, once a week is remembered
	ShardMemoryLimit float64 // bytes
	ShardVolume      float64 // bytes
	Series           int     // of the fleet
	AgentPairs       int     // that share the exporters, if there are two scrapers
	Samples          float64 // a second, into the storage from one agent of each pair
	ScrapeTraffic    float64 // bytes a second, to all scrapers
	APITraffic       float64 // bytes a second, if every read is of the whole window
	StorageMemory    float64 // bytes
	StorageVolume    float64 // bytes a day
}

// Plan computes the plan.
func (l Load) Plan() Plan {
	perShard := int(math.Ceil(float64(l.Accounts) / float64(l.Shards)))
	seconds := l.Interval.Seconds()
	rows := float64(l.RecordsPerDay) * float64(l.Window) / float64(day)
	remembered := float64(perShard) * float64(l.RecordsPerDay) * retentionDays
	series := l.Accounts * SeriesPerAccount
	memory := ProcessMemory + AccountMemory*float64(perShard) + RecordMemory*remembered
	return Plan{
		AccountsPerShard: perShard,
		MaxRequests:      int(math.Ceil(math.Round(float64(perShard*l.Scrapers)*spare*10) / 10)),
		ShardCPU:         float64(perShard) * (RefreshTime + RowTime*rows) / seconds,
		ShardMemory:      memory,
		ShardMemoryLimit: limit * memory,
		ShardVolume:      volumeFolded * RecordVolume * remembered,
		Series:           series,
		AgentPairs:       int(math.Ceil(float64(l.Accounts) / accountsPerPair)),
		Samples:          float64(series) / seconds,
		ScrapeTraffic:    float64(l.Accounts*l.Scrapers) * ScrapeBytes / seconds,
		APITraffic:       float64(l.Accounts) * rows * RowBytes / seconds,
		StorageMemory:    float64(series) * StorageMemory,
		StorageVolume:    float64(series) / seconds * day.Seconds() * StorageBytes,
	}
}
