// Prints what Confluent's AvroConverter and Avro's own library make of the lines of connect.jsonl and avro.jsonl; see record.py.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.pulsar.kafka.shade.avro.Schema;
import org.apache.pulsar.kafka.shade.avro.generic.GenericDatumReader;
import org.apache.pulsar.kafka.shade.avro.generic.GenericDatumWriter;
import org.apache.pulsar.kafka.shade.avro.io.BinaryEncoder;
import org.apache.pulsar.kafka.shade.avro.io.DecoderFactory;
import org.apache.pulsar.kafka.shade.avro.io.EncoderFactory;
import org.apache.pulsar.kafka.shade.io.confluent.connect.avro.AvroConverter;
import org.apache.pulsar.kafka.shade.io.confluent.connect.avro.AvroData;
import org.apache.pulsar.kafka.shade.io.confluent.kafka.schemaregistry.client.MockSchemaRegistryClient;

class Record {
	static final int HEADER_BYTES = 5;
	static final HexFormat HEX = HexFormat.of();
	static final ObjectMapper MAPPER = new ObjectMapper();
	static final JsonConverter JSON = new JsonConverter();

	// The schema that is registered, and the message without its header.
	static void fromConnect(String line, PrintStream out) throws Exception {
		MockSchemaRegistryClient registry = new MockSchemaRegistryClient();
		AvroConverter converter = new AvroConverter(registry);
		converter.configure(Map.of("schema.registry.url", "mock://record"), false);
		SchemaAndValue in = JSON.toConnectData("topic", line.getBytes(StandardCharsets.UTF_8));
		byte[] message = converter.fromConnectData("topic", in.schema(), in.value());
		if (message == null) { // of a null the converter writes none
			Schema schema = new AvroData(1).fromConnectSchema(in.schema());
			out.println(schema + "\t" + HEX.formatHex(binary(schema, null, false)));
			return;
		}
		out.println(registry.getSchemaById(1).canonicalString() + "\t" + HEX.formatHex(message, HEADER_BYTES, message.length));
	}

	static byte[] binary(Schema schema, Object value, boolean blocks) throws IOException {
		ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		EncoderFactory factory = new EncoderFactory().configureBlockSize(64);
		BinaryEncoder encoder = blocks ? factory.blockingBinaryEncoder(bytes, null) : factory.binaryEncoder(bytes, null);
		new GenericDatumWriter<Object>(schema).write(value, encoder);
		encoder.flush();
		return bytes.toByteArray();
	}

	// The bytes, and the same with blocks that say their size.
	static void fromAvro(String line, PrintStream out) throws Exception {
		JsonNode json = MAPPER.readTree(line);
		Schema schema = new Schema.Parser().parse(json.get("schema").toString());
		Object value = new GenericDatumReader<Object>(schema).read(null,
			DecoderFactory.get().jsonDecoder(schema, json.get("value").toString()));
		out.println(HEX.formatHex(binary(schema, value, false)) + "\t" + HEX.formatHex(binary(schema, value, true)));
	}

	interface Step { void take(String line, PrintStream out) throws Exception; }

	static void record(Path folder, String name, Step step) throws Exception {
		try (PrintStream out = new PrintStream(folder.resolve(name + ".tsv").toString(), StandardCharsets.UTF_8)) {
			for (String line : Files.readAllLines(folder.resolve(name + ".jsonl")))
				step.take(line, out);
		}
	}

	public static void main(String[] args) throws Exception {
		JSON.configure(Map.of("schemas.enable", "true"), false);
		record(Path.of(args[0]), "connect", Record::fromConnect);
		record(Path.of(args[0]), "avro", Record::fromAvro);
	}
}
