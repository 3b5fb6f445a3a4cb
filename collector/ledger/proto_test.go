package ledger_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// TestFilesAreAsDescribed reads state files with nothing but state.proto and the
// library of Protocol Buffers, writes their payloads again, and has the ledger read
// those: the description is true, and it is complete.
func TestFilesAreAsDescribed(t *testing.T) {
	t.Parallel()
	record := dynamicpb.NewMessageType(described(t).Messages().ByName("Record"))
	seen := map[protoreflect.FullName]bool{}
	files := fullFiles(t)
	for _, n := range []int{12, 46, 60} {
		file, _ := fileAfterLifeOf(t, n)
		files = append(files, file)
	}
	for n, file := range files {
		again := bytes.Clone(file[:ledger.HeaderSize])
		for position, payload := range payloads(file) {
			m := record.New()
			if err := proto.Unmarshal(payload, m.Interface()); err != nil {
				t.Fatal(err)
			}
			nothingUnknown(t, m, seen)
			payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
			if err != nil {
				t.Fatal(err)
			}
			again = ledger.Frame(again, uint32(position), payload)
		}
		if !bytes.Equal(again, file) {
			t.Errorf("file %d: what the library writes is not what the ledger wrote", n)
		}
	}
	messages := record.Descriptor().ParentFile().Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			if name := fields.Get(j).FullName(); !seen[name] {
				t.Errorf("%s is in none of the files", name)
			}
		}
	}
}

// fullFiles returns files that have what an ordinary life has not.
func fullFiles(t *testing.T) (files [][]byte) {
	t.Helper()
	fs := newTearFS()
	path := filepath.Join("d", instance+".ledger")
	snap := func() { files = append(files, bytes.Clone(fs.visible[path].data)) }
	l, err := ledger.NewDirOn(fs, "d").Open(instance, ledger.Options{MaxEntries: 8, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	conference := call("G", "pickUp", time.Minute)
	conference.ChatID, conference.Media, conference.Participants = chatOf("group"), vocabulary.Video, callStatuses("pickUp", "hungUp")
	read := func(after time.Duration, truncated bool) ledger.Read {
		return ledger.Read{Date: start.Add(after), Window: 24 * time.Hour, Truncated: truncated, Invalid: 3, Bytes: 1 << 20}
	}
	commitCalls(t, l, read(0, true), call("A", "pickUp", 0))
	commitCalls(t, l, read(time.Minute, true), conference, call("", "pickUp", time.Minute))
	commitMessages(t, l, read(0, true), message("A", "sent", -time.Hour), message("B", "sent", -time.Hour))
	odd := message("C", "sent", time.Minute)
	odd.ChatID, odd.TypeMistyped, odd.OriginMistyped = []byte("somewhere"), true, true
	private := message("D", "sent", time.Minute)
	private.ChatID = []byte("1@lid")
	commitMessages(t, l, read(time.Minute, true), odd, private, message("E", "sent", -48*time.Hour), message("", "sent", 0))
	snap()
	commitMessages(t, l, read(2*time.Minute, false), message("A", "sent", -time.Hour), message("B", "sent", -time.Hour))
	// The API goes by the last action at first, and then by the sending.
	recent := read(2*time.Minute, false)
	recent.Recent = 11 * time.Minute
	commitMessages(t, l, recent, message("A", "delivered", 2*time.Minute))
	for _, minutes := range []int{10, 18, 26} {
		recent.Date, recent.Recent = start.Add(time.Duration(minutes)*time.Minute), 18*time.Minute
		commitMessages(t, l, recent)
	}
	commitMessages(t, l, read(27*time.Minute, true), message("B", "delivered", 22*time.Minute), odd, private)
	snap()
	for i := range 12 {
		commitMessages(t, l, read(32*time.Minute, false), message(fmt.Sprint("F", i), "sent", 0))
		snap()
	}

	// What version 1 remembered.
	v1, err := os.ReadFile(filepath.Join("testdata", "v1.ledger"))
	if err != nil {
		t.Fatal(err)
	}
	fs = newTearFS()
	fs.visible[path] = stored(v1)
	if l, err = ledger.NewDirOn(fs, "d").Open(instance, ledger.Options{Now: func() time.Time { return start }}); err != nil {
		t.Fatal(err)
	}
	const messages = 60 // See goldens.
	commitMessages(t, l, at(3003*time.Minute), benchMessages(100+messages, 2)...)
	snap()
	commitMessages(t, l, at(3004*time.Minute), benchMessages(100+messages, messages/2)...)
	snap()
	return files
}

// payloads are those of the frames of a file.
func payloads(file []byte) (all [][]byte) {
	for rest := file[ledger.HeaderSize:]; len(rest) > 0; {
		size := binary.LittleEndian.Uint32(rest)
		all = append(all, rest[12:12+size])
		rest = rest[12+size+4:]
	}
	return all
}

// nothingUnknown fails when a message, or one in it, has a field that is not
// described. It notes those that are.
func nothingUnknown(t *testing.T, m protoreflect.Message, seen map[protoreflect.FullName]bool) {
	t.Helper()
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		t.Errorf("%s holds what is not described: %x", m.Descriptor().Name(), unknown)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		seen[f.FullName()] = true
		switch {
		case f.Message() != nil && f.IsList():
			for i := range v.List().Len() {
				nothingUnknown(t, v.List().Get(i).Message(), seen)
			}
		case f.Message() != nil:
			nothingUnknown(t, v.Message(), seen)
		}
		return true
	})
}

// described reads state.proto, as far as that needs reading.
func described(t *testing.T) protoreflect.FileDescriptor {
	t.Helper()
	source, err := os.ReadFile("state.proto")
	if err != nil {
		t.Fatal(err)
	}
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("state.proto"), Syntax: proto.String("proto3")}
	file.Package = proto.String(regexp.MustCompile(`package (.*);`).FindStringSubmatch(string(source))[1])
	field := regexp.MustCompile(`^  (repeated )?(\w+) (\w+) = (\d+);`)
	for line := range strings.Lines(string(source)) {
		if name, ok := strings.CutPrefix(line, "message "); ok {
			file.MessageType = append(file.MessageType, &descriptorpb.DescriptorProto{Name: proto.String(strings.TrimSuffix(name, " {\n"))})
			continue
		}
		m := field.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		number, err := strconv.ParseInt(m[4], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		f := &descriptorpb.FieldDescriptorProto{
			Name: proto.String(m[3]), Number: proto.Int32(int32(number)),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
		if m[1] != "" {
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}
		if known, ok := descriptorpb.FieldDescriptorProto_Type_value["TYPE_"+strings.ToUpper(m[2])]; ok {
			f.Type = descriptorpb.FieldDescriptorProto_Type(known).Enum()
		} else {
			f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
			f.TypeName = proto.String("." + file.GetPackage() + "." + m[2])
		}
		last := file.GetMessageType()[len(file.GetMessageType())-1]
		last.Field = append(last.Field, f)
	}
	described, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return described
}
