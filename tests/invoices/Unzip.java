import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipInputStream;

/** Reads a ZIP from a pipe, as phones do, and prints the SHA-256 and the name of each entry. */
public class Unzip {
    public static void main(String[] arguments) throws Exception {
        ZipInputStream stream = new ZipInputStream(System.in);
        for (var entry = stream.getNextEntry(); entry != null; entry = stream.getNextEntry()) {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(stream.readAllBytes());
            byte[] line = (HexFormat.of().formatHex(sum) + " " + entry.getName() + "\n").getBytes("UTF-8");
            System.out.write(line, 0, line.length);
        }
        System.out.flush();
    }
}
