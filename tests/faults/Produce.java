import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends lines of "codec TAB partition TAB key TAB value", in order, with Kafka's own producer. */
class Produce {
    public static void main(String[] given) throws Exception {
        InputStreamReader in = new InputStreamReader(System.in, StandardCharsets.UTF_8);
        KafkaProducer<String, String> producer = null;
        String codec = "";
        try (BufferedReader lines = new BufferedReader(in)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] parts = line.split("\t", 4);
                if (!parts[0].equals(codec)) {
                    if (producer != null) {
                        producer.close(); // waits until all is written
                    }
                    codec = parts[0];
                    producer = open(given[0], codec);
                }
                int partition = Integer.parseInt(parts[1]);
                producer.send(
                        new ProducerRecord<>(given[1], partition, parts[2], parts[3]),
                        (where, error) -> {
                            if (error != null) {
                                error.printStackTrace();
                                System.exit(1);
                            }
                        });
            }
        }
        producer.close();
    }

    static KafkaProducer<String, String> open(String bootstrap, String codec) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("compression.type", codec);
        settings.put("linger.ms", "20");
        StringSerializer text = new StringSerializer();
        return new KafkaProducer<>(settings, text, text);
    }
}
